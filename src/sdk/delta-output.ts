import type { ProviderDelta } from "../protocol/generated/toolgate/v1/ProviderDelta.js";
import type { Outgoing, ProviderLink } from "./provider-link.js";
import { ToolFailure } from "./tool-failure.js";

/** The most pieces of one call that wait; more means that a tool does not await them. */
const MAX_WAITING = 1000;

/** What output is sent through. */
export type OutputSink = Pick<ProviderLink, "writable" | "push">;

interface Waiting {
  /** The call that it belongs to. */
  readonly owner: object;
  readonly item: Outgoing;
  readonly sent: () => void;
  readonly failed: (reason: unknown) => void;
}

/** The way of the output of all calls to the gateway: in order, and held back while the gateway or the stream is full. */
export class DeltaOutput {
  #session: OutputSink | undefined;
  #waiting: Waiting[] = [];
  readonly #waitingOf = new Map<object, number>();

  /** Sends through this session from now on; without one, output waits. `first` goes ahead of what waits. */
  use(session: OutputSink | undefined, first: readonly Outgoing[] = []): void {
    this.#session = session;
    for (const item of first) session?.push(item);
    this.pump();
  }

  /** Undefined when it is on its way; else a promise of that, which rejects with a ToolFailure when too many wait. */
  send(owner: object, delta: ProviderDelta, bytes: number): Promise<void> | undefined {
    const item: Outgoing = { kind: "delta", bytes: bytes + 64, delta };
    if (this.#waiting.length === 0 && this.#session?.writable === true) {
      this.#session.push(item);
      return undefined;
    }
    const count = this.#waitingOf.get(owner) ?? 0;
    if (count >= MAX_WAITING) {
      const message = `More than ${MAX_WAITING} pieces of output wait: the tool has to await emit().`;
      return Promise.reject(new ToolFailure("OUTPUT_TOO_LARGE", message));
    }
    this.#waitingOf.set(owner, count + 1);
    return new Promise((sent, failed) => this.#waiting.push({ owner, item, sent, failed }));
  }

  /** Sends what waits, as far as there is room. */
  pump(): void {
    let sent = 0;
    for (const { owner, item, sent: tell } of this.#waiting) {
      if (this.#session?.writable !== true) break;
      this.#session.push(item);
      this.#count(owner);
      tell();
      sent += 1;
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  /** Forgets what a call has waiting. */
  drop(owner: object, reason: unknown): void {
    if (!this.#waitingOf.delete(owner)) return;
    for (const waiting of this.#waiting) if (waiting.owner === owner) waiting.failed(reason);
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner);
  }

  #count(owner: object): void {
    const left = (this.#waitingOf.get(owner) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(owner);
    else this.#waitingOf.set(owner, left);
  }
}
