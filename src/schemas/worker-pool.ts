import { SchemaWorker } from "./schema-worker.js";
import { cpuClockOf, type ThreadClockOf } from "./thread-clock.js";

/** Bounds of a pool. */
export interface PoolLimits {
  /** How many workers there are at most; each is started when it is first needed. */
  readonly workers: number;
  /** The heap of each, in MiB. */
  readonly maxHeapMb: number;
  /** How many jobs may wait in all, and of one toolset. */
  readonly maxWaiting: number;
  readonly maxWaitingPerToolset: number;
  /** How many bytes the values of waiting jobs may have in all, and of one toolset; where none waits, one always may. */
  readonly maxWaitingBytes: number;
  readonly maxWaitingBytesPerToolset: number;
}

/** A job for a worker of the pool. */
export interface PoolJob<Answer> {
  /** Jobs of one toolset wait for each other, and for those of others as little as can be. */
  readonly toolset: string;
  /** What the job's value has while it waits, in bytes. */
  readonly bytes: number;
  /** The schema that it needs: a worker that has it prepared is preferred. */
  readonly key?: string;
  /** How long the answer is of use, in milliseconds. */
  readonly withinMs?: number;
  readonly work: (worker: SchemaWorker) => Promise<Answer>;
}

/** What became of a job: done, or why not. */
export type PoolOutcome<Answer> =
  | { readonly kind: "done"; readonly answer: Answer }
  /** Too much waits already. */
  | { readonly kind: "busy" }
  /** Its time ran out; where it had begun, it is done to its end and forgotten. */
  | { readonly kind: "late" }
  | { readonly kind: "stopped" };

interface Waiting {
  readonly toolset: string;
  readonly bytes: number;
  readonly key: string | undefined;
  begin(worker: SchemaWorker): Promise<void>;
  drop(outcome: { readonly kind: "late" | "stopped" }): void;
}

/** The jobs of one toolset: those that wait, in order, and how many are being done. */
interface Queue {
  readonly waiting: Set<Waiting>;
  bytes: number;
  running: number;
}

/**
 * Workers for schemas and values that may be hostile, shared fairly by toolsets.
 *
 * Toolsets take turns: a worker that is free takes a job of the one whose turn was longest ago. And where there is more than one
 * worker, no toolset has all of them: a neighbour's job finds one that is free, or soon is, however much another toolset asks for.
 * A worker that is lost to a job is replaced when the next one needs it; the others keep their schemas compiled.
 */
export class WorkerPool {
  readonly #limits: PoolLimits;
  readonly #monotonicMs: () => number;
  readonly #clockOf: ThreadClockOf;
  /** In the order of their turns. A toolset without jobs has no queue. */
  readonly #queues = new Map<string, Queue>();
  readonly #idle = new Set<SchemaWorker>();
  readonly #busy = new Set<SchemaWorker>();
  readonly #jobs = new Set<Promise<void>>();
  #waiting = 0;
  #bytes = 0;
  #starts = 0;
  #begun = 0;
  #isStopped = false;

  /** Constructing it starts nothing. @param monotonicMs milliseconds that only go forward. */
  constructor(limits: PoolLimits, monotonicMs: () => number, clockOf: ThreadClockOf = cpuClockOf) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
    this.#clockOf = clockOf;
  }

  /** Workers that were started, and jobs that were given to them. */
  get counters(): { readonly starts: number; readonly jobs: number } {
    return { starts: this.#starts, jobs: this.#begun };
  }

  /**
   * Does a job when a worker is free and its toolset's turn has come.
   *
   * @throws what the job's work throws.
   */
  run<Answer>({ toolset, bytes, key, withinMs, work }: PoolJob<Answer>): Promise<PoolOutcome<Answer>> {
    if (this.#isStopped) return Promise.resolve({ kind: "stopped" });
    if (withinMs !== undefined && withinMs <= 0) return Promise.resolve({ kind: "late" });
    const queue = this.#queues.get(toolset) ?? { waiting: new Set(), bytes: 0, running: 0 };
    if (this.#isFull(queue, bytes)) return Promise.resolve({ kind: "busy" });
    return new Promise((resolve, reject) => {
      const timer = withinMs === undefined ? undefined : setTimeout(() => this.#tooLate(job), withinMs);
      timer?.unref();
      const job: Waiting = {
        toolset,
        bytes,
        key,
        begin: (worker) =>
          work(worker)
            .then((answer) => resolve({ kind: "done", answer }), reject)
            .finally(() => clearTimeout(timer)),
        drop: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
      };
      this.#queues.set(toolset, queue);
      this.#count(queue, job, 1);
      queue.waiting.add(job);
      this.#pump();
    });
  }

  /** Starts a worker where there is none yet, so that the first job does not wait for that. */
  warm(): void {
    if (!this.#isStopped && this.#idle.size + this.#busy.size === 0) this.#idle.add(this.#start());
  }

  /** Ends the workers, and drops what waits. Idempotent; resolves when the threads are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) {
      for (const job of queue.waiting) job.drop({ kind: "stopped" });
      queue.waiting.clear();
    }
    await Promise.all([...this.#idle, ...this.#busy].map((worker) => worker.stop()));
    await Promise.all(this.#jobs);
  }

  #isFull(queue: Queue, bytes: number): boolean {
    const { maxWaiting, maxWaitingPerToolset, maxWaitingBytes, maxWaitingBytesPerToolset } = this.#limits;
    if (this.#waiting >= maxWaiting || queue.waiting.size >= maxWaitingPerToolset) return true;
    if (queue.waiting.size > 0 && queue.bytes + bytes > maxWaitingBytesPerToolset) return true;
    return this.#waiting > 0 && this.#bytes + bytes > maxWaitingBytes;
  }

  #count(queue: Queue, { bytes }: Waiting, by: 1 | -1): void {
    this.#waiting += by;
    this.#bytes += by * bytes;
    queue.bytes += by * bytes;
  }

  /** Gives jobs to workers as long as there are both. */
  #pump(): void {
    while (!this.#isStopped) {
      const canStart = this.#idle.size + this.#busy.size < this.#limits.workers;
      if (this.#idle.size === 0 && !canStart) return;
      const next = this.#next();
      if (next === undefined) return;
      const [queue, job] = next;
      queue.waiting.delete(job);
      this.#count(queue, job, -1);
      const running = this.#begin(queue, job);
      this.#jobs.add(running);
      void running.finally(() => this.#jobs.delete(running));
    }
  }

  /** The job of the toolset whose turn it is; the toolset goes to the end of the line. */
  #next(): readonly [Queue, Waiting] | undefined {
    const most = Math.max(1, this.#limits.workers - 1);
    for (const [toolset, queue] of this.#queues) {
      const [job] = queue.waiting;
      if (job === undefined || queue.running >= most) continue;
      this.#queues.delete(toolset);
      this.#queues.set(toolset, queue);
      return [queue, job];
    }
    return undefined;
  }

  async #begin(queue: Queue, job: Waiting): Promise<void> {
    const worker = this.#take(job.key);
    queue.running++;
    this.#begun++;
    await job.begin(worker);
    queue.running--;
    if (queue.running === 0 && queue.waiting.size === 0) this.#queues.delete(job.toolset);
    this.#busy.delete(worker);
    if (!worker.isLost) this.#idle.add(worker);
    this.#pump();
  }

  /** A free worker; one that has the schema, if there is one. */
  #take(key: string | undefined): SchemaWorker {
    let worker: SchemaWorker | undefined;
    for (const each of this.#idle) {
      if (each.isLost) this.#idle.delete(each);
      else if (worker === undefined || (key !== undefined && each.has(key) && !worker.has(key))) worker = each;
    }
    worker ??= this.#start();
    this.#idle.delete(worker);
    this.#busy.add(worker);
    return worker;
  }

  #start(): SchemaWorker {
    this.#starts++;
    const { maxHeapMb } = this.#limits;
    return new SchemaWorker({ maxHeapMb, monotonicMs: this.#monotonicMs, clockOf: this.#clockOf });
  }

  #tooLate(job: Waiting): void {
    const queue = this.#queues.get(job.toolset);
    if (queue?.waiting.delete(job)) {
      this.#count(queue, job, -1);
      if (queue.running === 0 && queue.waiting.size === 0) this.#queues.delete(job.toolset);
    }
    job.drop({ kind: "late" });
  }
}
