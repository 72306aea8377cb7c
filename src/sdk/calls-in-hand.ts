import { ChurnMap } from "../async/churn-map.js";
import type { CallInHand } from "../protocol/generated/toolgate/v1/CallInHand.js";
import type { ProviderCall__Output } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { Outgoing } from "./provider-link.js";
import {
  type CallEnvironment,
  type CallOutcome,
  type ReportedOutcome,
  RunningCall,
  type ToolCode,
} from "./running-call.js";
import type { CallAbortReason } from "./tool-context.js";
import { ToolFailure } from "./tool-failure.js";

/**
 * The calls that a provider holds. A call is *in hand* from its delivery until the gateway has settled its result, over
 * any number of sessions; it is *waiting* for a slot, *running*, or *finished* meanwhile. A call that was fenced is not
 * in hand any more, though its tool may take a while to stop.
 *
 * While a provider moves to another session, a call may come by the former one that the hello of the next one did not name. The
 * gateway takes such a call for one that never arrived, and delivers it again, perhaps after it was settled. So the calls
 * of a move are remembered until the next one, and none of them is run a second time.
 */

type Held =
  | { readonly kind: "waiting"; readonly call: RunningCall }
  | { readonly kind: "running"; readonly call: RunningCall }
  | { readonly kind: "finished"; readonly call: RunningCall; readonly outcome: CallOutcome };

export interface InHandSetup extends CallEnvironment {
  readonly tools: ReadonlyMap<string, ToolCode>;
  readonly maxInFlight: number;
  /** A call has ended; what it ended with stays in hand. */
  readonly onOutcome: (outcome: CallOutcome) => void;
}

export class CallsInHand {
  readonly #setup: InHandSetup;
  readonly #held = new ChurnMap<string, Held>();
  /** In turn; some may not be waiting any more. */
  #turn: RunningCall[] = [];
  /** Tools at work, also on calls that are not in hand any more. */
  readonly #working = new ChurnMap<RunningCall, true>();
  /** The calls that came since a session was asked for last, until only that one was left; by id and attempt. */
  #ofMove = new Set<string>();
  #moving = false;
  #stopping = false;
  #whenEmpty: (() => void)[] = [];
  #whenQuiet: (() => void)[] = [];

  constructor(setup: InHandSetup) {
    this.#setup = setup;
  }

  get size(): number {
    return this.#held.size;
  }

  /** A session is asked for. @returns the calls that its hello names. */
  beginMove(): CallInHand[] {
    this.#moving = true;
    this.#ofMove = new Set();
    return this.#held.values().map(({ call: { callId, attempt } }) => ({ callId, attempt }));
  }

  /** The session that was asked for last is the only one. */
  endMove(): void {
    this.#moving = false;
  }

  /** What has ended and is not settled. */
  outcomes(): CallOutcome[] {
    return this.#held.values().flatMap((held) => (held.kind === "finished" ? [held.outcome] : []));
  }

  /** Counts the loss of a node for the results that it was sent and had not settled; the next node receives the count. */
  nodeLost(unsent: readonly Outgoing[]): void {
    const stayed = new Set(unsent);
    for (const outcome of this.outcomes()) {
      if (!stayed.has(outcome)) outcome.result.lostNodes = (outcome.result.lostNodes ?? 0) + 1;
    }
  }

  /** A call was delivered. The same one again changes nothing, except that its outcome, if there is one, is sent again. */
  take(wire: ProviderCall__Output): void {
    const held = this.#held.get(wire.callId);
    if (held !== undefined && held.call.attempt >= wire.attempt) {
      if (held.kind === "finished" && held.call.attempt === wire.attempt) this.#setup.onOutcome(held.outcome);
      return;
    }
    if (this.#moving || this.#ofMove.size > 0) {
      const delivery = `${wire.callId} ${wire.attempt}`;
      if (this.#ofMove.has(delivery)) return; // it was run, and settled
      if (this.#moving) this.#ofMove.add(delivery);
    }
    held?.call.abort("FENCED");
    const call = new RunningCall(wire, this.#setup.tools.get(wire.tool) ?? unknownTool(wire.tool), this.#setup);
    if (this.#stopping) this.#stop(call);
    else if (this.#working.size < this.#setup.maxInFlight) this.#start(call);
    else {
      call.watchDeadline();
      this.#held.set(wire.callId, { kind: "waiting", call });
      this.#turn.push(call);
    }
  }

  /** Tells a call's tool to stop. */
  abort(callId: string, attempt: number, reason: CallAbortReason): void {
    const held = this.#held.get(callId);
    if (held === undefined || held.call.attempt !== attempt) return;
    held.call.abort(reason);
    if (reason === "FENCED") this.#forget(held);
    else if (held.kind === "waiting") this.#start(held.call); // it ends at once, without its tool
  }

  /** The gateway has dealt with a result. */
  settled(callId: string, attempt: number): void {
    const held = this.#held.get(callId);
    if (held?.kind === "finished" && held.call.attempt === attempt) this.#forget(held);
  }

  /** Tells all tools to stop; the calls stay in hand until their ends are settled. What comes from now on runs no more. */
  stopAll(): void {
    this.#stopping = true;
    for (const call of this.#working.keys()) call.abort("STOPPING");
    for (const held of this.#held.values()) if (held.kind === "waiting") this.#stop(held.call);
  }

  /** Tells all tools to stop, and forgets the calls. */
  abandonAll(reason: CallAbortReason): void {
    for (const held of this.#held.values()) {
      held.call.abort(reason);
      this.#forget(held);
    }
    for (const call of this.#working.keys()) call.abort(reason);
  }

  /** Resolves when nothing is in hand. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#held.size === 0) resolve();
      else this.#whenEmpty.push(resolve);
    });
  }

  /** Resolves when no tool is at work. */
  quiet(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#working.size === 0) resolve();
      else this.#whenQuiet.push(resolve);
    });
  }

  /** The gateway keeps to `maxInFlight`; a fenced call whose tool works on still takes a slot here. */
  #startNext(): void {
    while (this.#working.size < this.#setup.maxInFlight) {
      const call = this.#turn.shift();
      if (call === undefined) return;
      const held = this.#held.get(call.callId);
      if (held?.call === call && held.kind === "waiting") this.#start(call);
    }
  }

  /** Ends a call whose turn has not come, without its tool. */
  #stop(call: RunningCall): void {
    call.abort("STOPPING");
    this.#start(call);
  }

  #start(call: RunningCall): void {
    this.#held.set(call.callId, { kind: "running", call });
    this.#working.set(call, true);
    const outcome = call.run();
    if (outcome instanceof Promise) {
      void outcome.then((late) => {
        this.#ended(call, late);
        this.#startNext();
      });
    } else this.#ended(call, outcome);
  }

  #ended(call: RunningCall, outcome: ReportedOutcome): void {
    this.#working.delete(call);
    const held = this.#held.get(call.callId);
    if (held?.call === call && outcome === undefined) this.#forget(held);
    else if (held?.call === call && outcome !== undefined) {
      this.#held.set(call.callId, { kind: "finished", call, outcome });
      this.#setup.onOutcome(outcome);
    }
    if (this.#working.size === 0 && this.#whenQuiet.length > 0)
      for (const resolve of this.#whenQuiet.splice(0)) resolve();
  }

  #forget({ call }: Held): void {
    this.#held.delete(call.callId);
    if (this.#held.size === 0 && this.#whenEmpty.length > 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}

function unknownTool(name: string): ToolCode {
  const run = () => {
    throw new ToolFailure("UNKNOWN_TOOL", `This provider has no tool ${name}.`);
  };
  return { run, idempotent: false };
}
