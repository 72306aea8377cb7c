import type { CallId } from "../identity/call-id.js";
import type { CallerName } from "../identity/caller-name.js";
import type { NodeTraces } from "../observe/traces/node-traces.js";
import type { LargeReadings } from "../store/calls/large-readings.js";
import type { AwaitSettings } from "./await-ending.js";
import type { FollowSettings } from "./follow-call.js";
import type { PageSeal } from "./page-seal.js";
import type { PlaceCallSettings } from "./place-call.js";

/** What the agents' side of a node works with. */
export interface GatewayParts {
  readonly placing: PlaceCallSettings;
  readonly awaiting: AwaitSettings;
  readonly following: FollowSettings;
  readonly readings: LargeReadings;
  /** Seals the page tokens of lists that do not show everything. */
  readonly pageSeal: PageSeal;
  /** The largest message that this node sends, in bytes. */
  readonly maxMessageBytes: number;
  /** Absent where nothing is traced. */
  readonly traces?: NodeTraces | undefined;
  /** Counts a call in that has a share of this name (see share-key.ts); the result counts it out. @throws ToolgateError LIMIT_EXCEEDED, NODE_DRAINING */
  readonly enter: (share: string) => () => void;
  /** Cancels a call of this caller's that has no waiters any more, as soon as Redis can be reached; one of another's under the id goes on. */
  readonly cancel: (id: CallId, caller: CallerName) => void;
}
