import type { CallId } from "../identity/call-id.js";
import type { NodeId } from "../identity/names.js";
import type { Logger } from "../log/logger.js";
import type { ShardKeys } from "../redis/keys.js";
import type { Subscriber } from "../redis/subscriber.js";
import { type Ending, parseEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { type Delta, probeCalls } from "./read-call.js";

/** What a node hears of a call that it watches. */
export type Ring =
  | { readonly kind: "delta"; readonly delta: Delta }
  | { readonly kind: "ended"; readonly ending: Ending }
  /** Its record is gone: Redis lost it. */
  | { readonly kind: "gone" };

/** What a node hears of a call that one of its providers runs. */
export interface StopNotice {
  readonly id: CallId;
  readonly attempt: number;
  readonly reason: "CANCELLED" | "DEADLINE_EXCEEDED";
}

/** How often watched calls are looked up in case their bell was lost, in milliseconds. */
const PROBE_INTERVAL_MS = 1_000;
/** The most calls that one lookup asks for. */
const PROBE_BATCH = 500;

/**
 * Rings for the calls that somebody on this node waits for.
 *
 * Bells are pub/sub and can be lost; the record is the truth. So all watched calls are looked up every second, and at
 * once when messages may have been lost. A delta that was lost is not rung again: who follows output reads the stream.
 */
export class Doorbell {
  readonly #store: CallStore;
  readonly #subscriber: Subscriber;
  readonly #node: NodeId;
  readonly #log: Logger;
  readonly #watched = new Map<CallId, Set<(ring: Ring) => void>>();
  readonly #onStop: (notice: StopNotice) => void;
  #unsubscribe: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #probing: Promise<void> | undefined;

  constructor(store: CallStore, subscriber: Subscriber, node: NodeId, log: Logger, onStop: (notice: StopNotice) => void) {
    this.#store = store;
    this.#subscriber = subscriber;
    this.#node = node;
    this.#log = log;
    this.#onStop = onStop;
  }

  async start(): Promise<void> {
    for (const keys of this.#store.keyspace.shards) {
      this.#unsubscribe.push(await this.#subscriber.subscribe(keys.node(this.#node), (message) => this.#onMessage(message)));
    }
    this.#unsubscribe.push(this.#subscriber.onGap(() => void this.#probeAll()));
    this.#timer = setInterval(() => void this.#probeAll(), PROBE_INTERVAL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#probing;
  }

  /** How many calls are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Calls the listener for each ring of a call, until the returned function is called. Watch before admitting. */
  watch(id: CallId, listener: (ring: Ring) => void): () => void {
    let listeners = this.#watched.get(id);
    if (listeners === undefined) {
      listeners = new Set();
      this.#watched.set(id, listeners);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#watched.get(id) === listeners) this.#watched.delete(id);
    };
  }

  #ring(id: CallId, ring: Ring): void {
    for (const listener of [...(this.#watched.get(id) ?? [])]) listener(ring);
  }

  /** `t<id>\n<terminal, or nothing when it is long>`, `d<id>\n<cursor> <attempt>\n<data>`, `c<id>\n<attempt> <reason>` */
  #onMessage(message: Buffer): void {
    const line = message.indexOf(10);
    const id = message.toString("latin1", 1, line) as CallId; // the scripts ring by call ids only
    const rest = message.subarray(line + 1);
    switch (message[0]) {
      case 0x74: // t
        if (rest.length > 0) this.#ring(id, { kind: "ended", ending: parseEnding(rest) });
        else void this.#probe([id]);
        return;
      case 0x64: {
        const end = rest.indexOf(10);
        const [cursor = "", attempt] = rest.toString("latin1", 0, end).split(" ");
        this.#ring(id, { kind: "delta", delta: { cursor, attempt: Number(attempt), data: rest.subarray(end + 1) } });
        return;
      }
      case 0x63: {
        const [attempt, reason] = rest.toString("latin1").split(" ");
        this.#onStop({ id, attempt: Number(attempt), reason: reason === "CANCELLED" ? "CANCELLED" : "DEADLINE_EXCEEDED" });
        return;
      }
      default:
        this.#log.warn({ event: "doorbell_unknown", kind: message[0] ?? 0 });
    }
  }

  #probeAll(): Promise<void> {
    this.#probing ??= this.#probe([...this.#watched.keys()]).finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async #probe(ids: readonly CallId[]): Promise<void> {
    for (const keys of this.#store.keyspace.shards) {
      const shardIds = ids.filter((id) => this.#store.keyspace.forCall(id) === keys);
      for (let start = 0; start < shardIds.length; start += PROBE_BATCH) {
        await this.#probeBatch(keys, shardIds.slice(start, start + PROBE_BATCH));
      }
    }
  }

  async #probeBatch(keys: ShardKeys, ids: readonly CallId[]): Promise<void> {
    try {
      const answers = await probeCalls(this.#store, keys, ids);
      for (const [index, id] of ids.entries()) {
        const answer = answers[index];
        if (answer !== undefined && answer.kind !== "alive") this.#ring(id, answer);
      }
    } catch (error) {
      // Redis is away: the next round asks again.
      this.#log.debug({ event: "probe_failed", message: error instanceof Error ? error.message : String(error) });
    }
  }
}
