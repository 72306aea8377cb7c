import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ThreadClock, ThreadClockOf } from "./thread-clock.js";
import {
  MAX_PREPARED,
  type WorkerAnswer,
  type WorkerReady,
  type WorkerReply,
  type WorkerRequest,
} from "./worker-messages.js";

/** How a worker's job ended. */
export type WorkerEnd =
  | {
      readonly kind: "done";
      readonly reply: WorkerReply;
      /** The work that it took, in milliseconds of CPU time. */
      readonly cpuMs: number;
    }
  /** It took all the work that it may; its worker is gone. */
  | { readonly kind: "overran" }
  /** It got so little of the machine that it was given up, or hangs; its worker is gone. */
  | { readonly kind: "starved" }
  /** Its answer became of no use, and it was not done soon; its worker is gone. */
  | { readonly kind: "unneeded" }
  /** It took more memory than it may, or broke the worker otherwise; the worker is gone. */
  | { readonly kind: "broke" }
  /** The worker was stopped. */
  | { readonly kind: "stopped" };

export interface SchemaWorkerSettings {
  /** Its heap, in MiB. */
  readonly maxHeapMb: number;
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number;
  readonly clockOf: ThreadClockOf;
}

/** How long a worker may take to start, in milliseconds; a busy machine needs a second. */
const START_WITHIN_MS = 30_000;
/** The work that a job may go on to take once its answer is of no use, in milliseconds of CPU time: a new worker takes as much. */
const LINGER_CPU_MS = 100;
/** How often the work of a job is looked at, in milliseconds. */
const LOOK_EVERY_MS = 20;
/**
 * A job is given up after this multiple of its budget on the wall, or the least time, whichever is longer. Only a worker that
 * hangs, or a machine that is busy twenty times over, meets this; it says nothing about the value.
 */
const WALL_FACTOR = 20;
const LEAST_WALL_MS = 30_000;

type GivenUp = "overran" | "unneeded" | "starved";

/** Why a job is to be ended that took so much work and so long; undefined while it is not. */
function whyOver(workMs: number, tookMs: number, cpuMs: number, isUnneeded: boolean): GivenUp | undefined {
  if (workMs > cpuMs) return "overran";
  if (isUnneeded && workMs > LINGER_CPU_MS) return "unneeded";
  return tookMs > Math.max(LEAST_WALL_MS, WALL_FACTOR * cpuMs) ? "starved" : undefined;
}

/** The worker's entry. From sources (in tests) it is the build's, since a worker thread runs JavaScript only. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/src/schemas/compile-worker.js" : "./compile-worker.js",
  import.meta.url,
);

/**
 * One worker thread for schemas and values that may be hostile, which does one job at a time.
 *
 * starting ──ready──▶ running ──job overran, heap exhausted, stop──▶ lost
 *
 * A budget is work, in CPU time of the thread: how busy the machine is costs none of it. It never keeps the process alive.
 */
export class SchemaWorker {
  readonly #worker: Worker;
  readonly #monotonicMs: () => number;
  readonly #ready: Promise<ThreadClock>;
  /** The keys that it has schemas for; as the worker keeps them, so both forget the same. */
  readonly #prepared = new LRUCache<string, true>({ max: MAX_PREPARED });
  /** The work that it had done at the end of its last job, as it said itself. */
  #spentMs: number | undefined;
  #workMs = 0;
  #heapBytes = 0;
  #isLost = false;
  #isStopped = false;

  constructor({ maxHeapMb, monotonicMs, clockOf }: SchemaWorkerSettings) {
    this.#monotonicMs = monotonicMs;
    this.#worker = new Worker(ENTRY, {
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 32 },
      // It runs what strangers wrote: no settings, no secrets, no flags of this process.
      env: {},
      argv: [],
      execArgv: [],
      name: "toolgate-schemas",
    });
    this.#worker.unref();
    // An exhausted heap is an error first and an exit right after; the exit is what counts.
    this.#worker.on("error", () => {});
    this.#worker.on("exit", () => {
      this.#isLost = true;
    });
    this.#ready = this.#started(clockOf);
    this.#ready.catch(() => {}); // its jobs hear of it
  }

  /** Its thread is gone, or going. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The work of all its jobs so far, in milliseconds of CPU time. */
  get workMs(): number {
    return this.#workMs;
  }

  /** What its heap took at the end of its last job, in bytes. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** How many schemas are prepared in it. */
  get schemas(): number {
    return this.#prepared.size;
  }

  /** Whether a schema is prepared under this key. */
  has(key: string): boolean {
    return this.#prepared.has(key);
  }

  /**
   * Does one job; the one before must be done.
   *
   * @param cpuMs the work that it may take, in milliseconds of CPU time.
   * @param unneeded aborted when its answer is of no use any more: unless it is done soon, it is ended then.
   * @throws ToolgateError INTERNAL when the worker does not start.
   */
  async run(request: WorkerRequest, cpuMs: number, unneeded?: AbortSignal): Promise<WorkerEnd> {
    const clock = await this.#ready;
    const worker = this.#worker;
    const sinceMs = this.#monotonicMs();
    const spentBefore = this.#spentMs ?? clock();
    const end = await new Promise<WorkerEnd>((resolve) => {
      const onMessage = ({ reply, spentMs, heapBytes }: WorkerAnswer): void => {
        this.#spentMs = spentMs;
        this.#heapBytes = heapBytes;
        finish({ kind: "done", reply, cpuMs: (spentMs ?? clock()) - spentBefore });
      };
      const onExit = (): void => finish({ kind: this.#isStopped ? "stopped" : "broke" });
      const look = (): void => {
        const why = whyOver(clock() - spentBefore, this.#monotonicMs() - sinceMs, cpuMs, unneeded?.aborted === true);
        if (why === undefined) return;
        clearInterval(timer);
        // When this process was busy, the reply may have come and wait behind the timer: one turn lets it in first.
        setImmediate(() => setImmediate(() => giveUp(why)));
      };
      let isDone = false;
      const giveUp = (kind: GivenUp): void => {
        if (isDone) return;
        isDone = true;
        this.#isLost = true;
        release();
        // The next job gets a new worker, but no core of its own before this one is gone.
        worker.terminate().then(
          () => resolve({ kind }),
          () => resolve({ kind }),
        );
      };
      const finish = (how: WorkerEnd): void => {
        if (isDone) return;
        isDone = true;
        release();
        resolve(how);
      };
      const timer = setInterval(look, LOOK_EVERY_MS);
      timer.unref();
      const release = (): void => {
        clearInterval(timer);
        worker.off("message", onMessage).off("exit", onExit);
      };
      if (this.#isLost) return onExit();
      worker.on("message", onMessage).on("exit", onExit);
      worker.postMessage(request, request.kind === "validate" ? [request.bytes.buffer as ArrayBuffer] : []); // its own copy
    });
    this.#workMs += end.kind === "done" ? end.cpuMs : clock() - spentBefore;
    this.#note(request, end);
    return end;
  }

  /** Ends the thread; idempotent, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#isLost = true;
    await this.#worker.terminate();
  }

  #note(request: WorkerRequest, end: WorkerEnd): void {
    if (end.kind !== "done" || request.kind === "inspect") return;
    if (end.reply.kind === "prepared") this.#prepared.set(request.key, true);
    else if (end.reply.kind === "unprepared") this.#prepared.delete(request.key);
    else this.#prepared.get(request.key);
  }

  #started(clockOf: ThreadClockOf): Promise<ThreadClock> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      let cause: unknown;
      const onError = (error: unknown): void => {
        cause = error;
      };
      const onExit = (): void => {
        settle();
        // A job that waits for a worker that was stopped ends as stopped.
        if (this.#isStopped) {
          resolve(() => 0);
          return;
        }
        reject(
          new ToolgateError("INTERNAL", "the worker that checks schemas does not start; is the build complete?", {
            cause,
          }),
        );
      };
      const onMessage = ({ thread }: WorkerReady): void => {
        settle();
        resolve(clockOf(worker, thread));
      };
      const timer = setTimeout(() => worker.terminate(), START_WITHIN_MS);
      timer.unref();
      const settle = (): void => {
        clearTimeout(timer);
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      };
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    });
  }
}
