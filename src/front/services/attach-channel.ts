import { MESSAGE_OVERHEAD_BYTES as MOST_OVERHEAD_BYTES } from "../../config/message-limits.js";
import { type FrameSink, FrameWriter } from "../../frames/frame-writer.js";
import { frameOfLists, type ListItem } from "../../frames/list-items.js";
import { readStoredMeta } from "../../gateway/call-meta.js";
import type { CallId } from "../../identity/call-id.js";
import type { Epoch } from "../../identity/names.js";
import type { AttachResponse } from "../../protocol/generated/toolgate/v1/AttachResponse.js";
import type { CancelReason } from "../../protocol/generated/toolgate/v1/CancelReason.js";
import type { GoAwayReason } from "../../protocol/generated/toolgate/v1/GoAwayReason.js";
import type { Limits } from "../../protocol/generated/toolgate/v1/Limits.js";
import type {
  CancelCause,
  ChannelEvents,
  GoAwayCause,
  ProviderChannel,
  Welcome,
} from "../../providers/provider-channel.js";
import type { TakenCall } from "../../store/calls/take.js";
import { VERSION } from "../../version.js";
import { writeEpochState } from "./write-epoch-state.js";

const CANCEL_REASON = {
  CANCELLED: "CANCEL_REASON_CANCELLED",
  DEADLINE_EXCEEDED: "CANCEL_REASON_DEADLINE",
  FENCED: "CANCEL_REASON_FENCED",
  OUTPUT_LIMIT: "CANCEL_REASON_OUTPUT_LIMIT",
} as const satisfies Record<CancelCause, CancelReason>;

const GO_AWAY_REASON = {
  lost: "GO_AWAY_REASON_LEASE_LOST",
  replaced: "GO_AWAY_REASON_REPLACED",
  gone: "GO_AWAY_REASON_RETIRED",
  unregistered: "GO_AWAY_REASON_UNREGISTERED",
  draining: "GO_AWAY_REASON_NODE_DRAINING",
} as const satisfies Record<GoAwayCause, GoAwayReason>;

/** What may wait for one provider that does not read, besides its calls, in bytes. */
const BUDGET_BYTES = 16 * 1_048_576;
/** Waiting bytes above which a provider is given no more calls. */
const SATURATED_BYTES = 2 * 1_048_576;
/** Roughly what a message takes in a frame besides its payload, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 128;

/** A provider's stream: frames go down, and what comes up can be made to wait. */
export interface AttachStream extends FrameSink<AttachResponse> {
  pause(): void;
  resume(): void;
}

export interface AttachChannelSettings {
  readonly stream: AttachStream;
  /** The largest message that the provider's channel takes, in bytes. */
  readonly maxMessageBytes: number;
  /** The limits of the registry that providers receive. */
  readonly limits: Limits;
  /** Ends the stream: well, or with what went wrong. */
  readonly end: (error?: unknown) => void;
}

/** What a session sends to its provider, as frames of its Attach stream. */
export class AttachChannel implements ProviderChannel {
  readonly #settings: AttachChannelSettings;
  readonly #writer: FrameWriter<ListItem<AttachResponse>, AttachResponse>;

  constructor(settings: AttachChannelSettings, { onRoom, onOverflow }: ChannelEvents) {
    this.#settings = settings;
    this.#writer = new FrameWriter({
      sink: settings.stream,
      frameOf: frameOfLists<AttachResponse>,
      schedule: process.nextTick,
      saturatedBytes: SATURATED_BYTES,
      onRoom,
      budgetBytes: BUDGET_BYTES,
      onOverflow,
    });
  }

  get saturated(): boolean {
    return this.#writer.saturated;
  }

  welcome({ node, state, fenced, heartbeatMs }: Welcome): void {
    this.#writer.sendNow({
      welcome: {
        nodeId: node,
        state: writeEpochState(state),
        fenced: fenced.map(({ id, attempt }) => ({ callId: id, attempt })),
        heartbeatMs,
        limits: this.#settings.limits,
        nodeVersion: VERSION,
      },
    });
  }

  deliver(call: TakenCall): boolean {
    const bytes = MESSAGE_OVERHEAD_BYTES + call.payload.length + call.meta.length;
    if (bytes + MOST_OVERHEAD_BYTES > this.#settings.maxMessageBytes) return false;
    // Claimed, and so its own: what is too much for now is not claimed.
    this.#writer.pushUnbudgeted({
      list: "calls",
      message: {
        callId: call.id,
        tool: call.tool,
        payloadJson: call.payload,
        attempt: call.attempt,
        deadlineMs: call.deadlineMs,
        timeoutMs: call.remainingMs,
        meta: call.meta === "" ? null : readStoredMeta(call.meta),
      },
      bytes,
    });
    return true;
  }

  settled(id: CallId, attempt: number, accepted: boolean): void {
    const message = { callId: id, attempt, accepted };
    this.#writer.pushDelayed({ list: "settled", message, bytes: MESSAGE_OVERHEAD_BYTES });
  }

  cancel(id: CallId, attempt: number, cause: CancelCause): void {
    const message = { callId: id, attempt, reason: CANCEL_REASON[cause] };
    this.#writer.push({ list: "cancels", message, bytes: MESSAGE_OVERHEAD_BYTES });
  }

  ping(nonce: string): void {
    this.#writer.push({ list: "pings", message: { nonce }, bytes: MESSAGE_OVERHEAD_BYTES });
  }

  ready(): void {
    this.#writer.sendNow({ ready: {} });
  }

  heartbeat(sequence: number, reply: boolean): void {
    this.#writer.sendNow({ heartbeat: { sequence, reply } });
  }

  superseded(activeEpoch: Epoch, activeVersion: string): void {
    this.#writer.sendNow({ superseded: { activeEpoch, activeVersion } });
  }

  pauseOutput(pause: boolean): void {
    this.#writer.sendNow({ flowControl: { pauseOutput: pause } });
  }

  goAway(cause: GoAwayCause, graceMs: number): void {
    this.#writer.sendNow({ goAway: { reason: GO_AWAY_REASON[cause], graceMs } });
  }

  pause(): void {
    this.#settings.stream.pause();
  }

  resume(): void {
    this.#settings.stream.resume();
  }

  close(error?: unknown): void {
    this.#writer.flush();
    this.#writer.close();
    this.#settings.end(error);
  }
}
