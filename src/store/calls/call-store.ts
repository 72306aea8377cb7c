import type { Delivery } from "../../contract/contract.js";
import type { CommittedStore } from "../../redis/commits.js";
import type { Keyspace } from "../../redis/keys.js";

/** What every script of calls needs. Durations are milliseconds. */
export interface CallStore extends CommittedStore {
  readonly keyspace: Keyspace;
  readonly claimLeaseMs: Readonly<Record<Delivery, number>>;
  /** How long leases and health hold after no node was at Redis for a while; see presence.ts. */
  readonly absenceGraceMs: number;
  /** How often an idempotent call is delivered at most. */
  readonly maxAttempts: number;
  /** How long an outcome is kept. */
  readonly resultTtlMs: number;
  /** The most output of one call. */
  readonly maxDeltas: number;
  readonly maxOutputBytes: number;
  /** Whether calls that are admitted are to be listed when they have ended; see ended-calls.ts. */
  readonly listEnded: boolean;
}
