import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId } from "../identity/names.js";
import type { StopReason } from "../store/calls/call-record.js";
import type { FencedCall, TakenCall } from "../store/calls/take.js";
import type { LeaseEnd } from "../store/registry/leases.js";
import type { EpochState } from "../store/registry/toolset-record.js";

/** Why a provider is to stop a call. */
export type CancelCause = StopReason | "FENCED" | "OUTPUT_LIMIT";

/** Why a provider is to go. */
export type GoAwayCause = LeaseEnd | "unregistered" | "draining";

/** What a provider receives first. */
export interface Welcome {
  readonly node: NodeId;
  readonly state: EpochState;
  /** Calls that it named and that are not its own any more. */
  readonly fenced: readonly FencedCall[];
  readonly heartbeatMs: number;
}

/** What a session sends to its provider, without a wire: the front makes messages of it. */
export interface ProviderChannel {
  /** Whether so much waits for the provider to read that nothing should be added. */
  readonly saturated: boolean;
  welcome(welcome: Welcome): void;
  /** Sends a call. @returns false when it is larger than the provider's channel takes */
  deliver(call: TakenCall): boolean;
  settled(id: CallId, attempt: number, accepted: boolean): void;
  cancel(id: CallId, attempt: number, cause: CancelCause): void;
  ping(nonce: string): void;
  ready(): void;
  heartbeat(sequence: number, reply: boolean): void;
  superseded(activeEpoch: Epoch, activeVersion: string): void;
  pauseOutput(pause: boolean): void;
  goAway(cause: GoAwayCause, graceMs: number): void;
  /** Reads nothing from the provider. Each pause ends with a `resume`, and several may overlap. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what it takes now: well, or with what went wrong. */
  close(error?: unknown): void;
}

/** What a channel reports to its session. */
export interface ChannelEvents {
  /** It is not saturated any more. */
  readonly onRoom: () => void;
  /** The provider does not read; nothing more is sent. */
  readonly onOverflow: () => void;
}

export type OpenChannel = (events: ChannelEvents) => ProviderChannel;
