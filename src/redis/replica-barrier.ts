import type { Redis } from "ioredis";
import { type Deferred, deferred } from "../async/deferred.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Logger } from "../observe/logger.js";
import { HISTORY_LUA } from "./history.js";
import { reconnect } from "./reconnect.js";

export interface ReplicaBarrierSettings {
  /** A connection to the master that is used for nothing else. */
  readonly client: Redis;
  /** How many replicas must have a write. */
  readonly replicas: number;
  /** How long they may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: Logger;
  /** `confirming` has changed. */
  readonly onChange: () => void;
}

/** WAIT covers only what its own client wrote, so this connection writes before it waits. Also where memory has run out. */
const BARRIER_WRITE = `#!lua flags=allow-oom
local history = ${HISTORY_LUA}
redis.call('SET', KEYS[1], '', 'PX', 60000)
return history`;

/** What a caller should wait when the replicas are behind, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/**
 * Waits until the replicas of one master have what was written so far.
 *
 *   idle ──probe, commit──▶ waiting ──answered──▶ idle, or waiting for the callers that came meanwhile
 *
 * One WAIT is under way at a time. Callers that come meanwhile share the next one: so one WAIT serves many writes, and no
 * command queues behind it, for it has this connection to itself.
 */
export class ReplicaBarrier {
  readonly #settings: ReplicaBarrierSettings;
  #waiting: (Deferred<string> & { readonly key: string }) | undefined;
  #running = false;
  /** Resolves when no WAIT is under way and no caller is left. */
  #rounds: Promise<void> = Promise.resolve();
  #confirming: boolean | undefined;
  #stopped = false;

  constructor(settings: ReplicaBarrierSettings) {
    this.#settings = settings;
  }

  /** Whether the replicas confirmed when they were asked last. */
  get confirming(): boolean {
    return this.#confirming === true;
  }

  /** Runs a WAIT, unless one is under way; resolves when that was answered, whatever the answer was. */
  async probe(key: string): Promise<void> {
    if (this.#running) await this.#rounds;
    else await this.#join(key).catch(() => {}); // it is seen in `confirming`
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#rounds;
  }

  /**
   * Resolves when the replicas have all that was written in this history before.
   *
   * @param key the key that the barrier writes, in a shard of this master's; it expires.
   * @throws ToolgateError STORE_UNAVAILABLE, `executed = unknown`
   */
  async commit(key: string, history: string): Promise<void> {
    if ((await this.#join(key)) === history) return;
    throw unconfirmed("another Redis has become the master since, and may not have the write");
  }

  #join(key: string): Promise<string> {
    this.#waiting ??= { ...deferred<string>(), key };
    const { promise } = this.#waiting;
    if (!this.#running) this.#rounds = this.#runRounds();
    return promise;
  }

  async #runRounds(): Promise<void> {
    this.#running = true;
    for (let round = this.#waiting; round !== undefined; round = this.#waiting) {
      // Gathers all callers of this turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      this.#waiting = undefined;
      try {
        if (this.#stopped) throw unconfirmed("the node stops");
        round.resolve(await this.#waitForReplicas(round.key));
        this.#setConfirming(true);
      } catch (error) {
        const fault =
          error instanceof ToolgateError
            ? error
            : unconfirmed("Redis does not answer whether its replicas have the write", error);
        round.reject(fault);
        this.#setConfirming(false, fault);
      }
    }
    this.#running = false;
  }

  async #waitForReplicas(key: string): Promise<string> {
    const { client, replicas, timeoutMs } = this.#settings;
    try {
      const [history, confirmed] = await Promise.all([
        client.eval(BARRIER_WRITE, 1, key),
        client.wait(replicas, timeoutMs),
      ]);
      if (confirmed >= replicas) return String(history);
      throw unconfirmed(`${confirmed} of ${replicas} replicas have confirmed the write within ${timeoutMs} ms`);
    } catch (error) {
      // A server that does not answer a bounded question is gone, whatever the socket says.
      if (error instanceof Error && error.message === "Command timed out") reconnect(client);
      throw error;
    }
  }

  #setConfirming(confirming: boolean, fault?: ToolgateError): void {
    if (this.#confirming === confirming || this.#stopped) return;
    this.#confirming = confirming;
    if (confirming) this.#settings.log.info({ event: "replicas_confirm" });
    else this.#settings.log.warn({ event: "replicas_behind", error: fault });
    this.#settings.onChange();
  }
}

/** What happened may last or not: only a repeat can tell. */
export function unconfirmed(why: string, cause?: unknown): ToolgateError {
  return new ToolgateError(
    "STORE_UNAVAILABLE",
    `${why}; a repeat with the same run_id and tool_call_id tells later what became of it`,
    { executed: "unknown", retryAfterMs: RETRY_AFTER_MS, cause },
  );
}
