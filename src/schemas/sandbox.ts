import { Worker } from "node:worker_threads";
import { ToolgateError } from "../errors/toolgate-error.js";
import { READY, type WorkerReply, type WorkerRequest } from "./worker-messages.js";

/** How a job in the sandbox ended. */
export type SandboxOutcome = SandboxEnd & {
  /** How long it ran, in milliseconds; waiting and starting do not count. */
  readonly tookMs: number;
};

type SandboxEnd =
  | { readonly kind: "done"; readonly reply: WorkerReply }
  /** It ran longer than it may; its worker is gone. */
  | { readonly kind: "overran" }
  /** It took more memory than it may, or broke the worker otherwise; the worker is gone. */
  | { readonly kind: "broke" };

/** Bounds of one sandbox. */
export interface SandboxLimits {
  /** The worker's heap, in MiB. */
  readonly maxHeapMb: number;
  /** How many jobs may wait, the running one included. */
  readonly maxWaiting: number;
}

/**
 * One worker thread that does one job after another, each within a time limit of its own.
 *
 * absent ──first job──▶ starting ──ready──▶ running ──job overran, heap exhausted──▶ absent
 *
 * It is started when the first job comes, and again by the next job after it was lost; stopped for good by `stop`. It
 * never keeps the process alive. A job's time begins when the worker has it: waiting and starting do not count.
 */
type State =
  | { readonly kind: "absent" }
  | { readonly kind: "present"; readonly worker: Worker; readonly ready: Promise<void> }
  | { readonly kind: "stopped" };

/** How long a worker may take to start, in milliseconds; a busy machine needs a second. */
const START_WITHIN_MS = 30_000;
const RETRY_AFTER_MS = 1_000;

/** The worker's entry. From sources (in tests) it is the build's, since a worker thread runs JavaScript only. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/src/schemas/compile-worker.js" : "./compile-worker.js",
  import.meta.url,
);

/** A worker thread for schemas and values that may be hostile. Constructing it starts nothing. */
export class Sandbox {
  readonly #limits: SandboxLimits;
  readonly #monotonicNow: () => number;
  #state: State = { kind: "absent" };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #starts = 0;
  #jobs = 0;

  /** @param monotonicNow milliseconds that only go forward. */
  constructor(limits: SandboxLimits, monotonicNow: () => number) {
    this.#limits = limits;
    this.#monotonicNow = monotonicNow;
  }

  /** Workers that were started, and jobs that were given to them. */
  get counters(): { readonly starts: number; readonly jobs: number } {
    return { starts: this.#starts, jobs: this.#jobs };
  }

  /**
   * Does a job when those before it are done.
   *
   * @param withinMs how long it may run, in milliseconds.
   * @throws ToolgateError LIMIT_EXCEEDED when too many wait, NODE_DRAINING when stopped, INTERNAL when no worker starts.
   */
  async run(request: WorkerRequest, withinMs: number): Promise<SandboxOutcome> {
    if (this.#waiting >= this.#limits.maxWaiting) {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `${this.#waiting} schemas and values already wait to be checked; retry later`,
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    this.#waiting++;
    const job = this.#last.then(() => this.#run(request, withinMs));
    this.#last = job.catch(() => undefined); // the job's own caller hears of it
    try {
      return await job;
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the worker, and refuses what waits. Idempotent; resolves when the thread is gone. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    if (state.kind === "present") await state.worker.terminate();
    await this.#last;
  }

  async #run(request: WorkerRequest, withinMs: number): Promise<SandboxOutcome> {
    const { worker, ready } = this.#worker();
    await ready;
    if (this.#state.kind === "stopped") throw stopped();
    this.#jobs++;
    const since = this.#monotonicNow();
    return new Promise((resolve, reject) => {
      const finish = (outcome: SandboxEnd): void => resolve({ ...outcome, tookMs: this.#monotonicNow() - since });
      const onMessage = (reply: WorkerReply): void => end(() => finish({ kind: "done", reply }));
      const onExit = (): void => {
        const isStopped = this.#state.kind === "stopped";
        end(() => (isStopped ? reject(stopped()) : finish({ kind: "broke" })));
      };
      const onOverrun = (): void => {
        if (isOver) return;
        // The next job gets a new worker, but no core of its own before this one is gone.
        const gone = worker.terminate();
        end(() => gone.then(() => finish({ kind: "overran" }), reject));
      };
      let isOver = false;
      const end = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        worker.off("message", onMessage).off("exit", onExit);
        settle();
      };
      // When this process was busy, the reply may have come in time and wait behind the timer: one turn lets it in first.
      const timer = setTimeout(() => setImmediate(() => setImmediate(onOverrun)), withinMs);
      timer.unref();
      worker.on("message", onMessage).on("exit", onExit);
      worker.postMessage(request);
    });
  }

  #worker(): Extract<State, { kind: "present" }> {
    if (this.#state.kind === "stopped") throw stopped();
    if (this.#state.kind === "present") return this.#state;
    this.#starts++;
    const worker = new Worker(ENTRY, {
      resourceLimits: {
        maxOldGenerationSizeMb: this.#limits.maxHeapMb,
        maxYoungGenerationSizeMb: 32,
      },
      // It runs what strangers wrote: no settings, no secrets, no flags of this process.
      env: {},
      argv: [],
      execArgv: [],
      name: "toolgate-schemas",
    });
    worker.unref();
    const state: State = { kind: "present", worker, ready: this.#started(worker) };
    // An exhausted heap is an error first and an exit right after; the exit is what counts.
    worker.on("error", () => {});
    worker.on("exit", () => {
      if (this.#state === state) this.#state = { kind: "absent" };
    });
    this.#state = state;
    return state;
  }

  #started(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let cause: unknown;
      const onError = (error: unknown): void => {
        cause = error;
      };
      const onExit = (): void => {
        settle();
        const isStopped = this.#state.kind === "stopped";
        reject(
          isStopped
            ? stopped()
            : new ToolgateError("INTERNAL", "the worker that checks schemas does not start; is the build complete?", {
                cause,
              }),
        );
      };
      const onMessage = (message: unknown): void => {
        if (message !== READY) return;
        settle();
        resolve();
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

function stopped(): ToolgateError {
  return new ToolgateError("NODE_DRAINING", "the node is stopping, so schemas are no longer checked");
}
