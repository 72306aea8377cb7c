import { after } from "../async/after.js";
import { RecentWork } from "./recent-work.js";
import { SchemaWorker } from "./schema-worker.js";
import { cpuClockOf, type ThreadClockOf } from "./thread-clock.js";

/** Bounds of a pool. */
export interface PoolLimits {
  /** How many workers there are at most; each is started when it is first needed. */
  readonly workers: number;
  /** How many of them jobs of unknown work may have together, the slow ones included; and how many the slow ones. */
  readonly maxOpen: number;
  readonly maxSlow: number;
  /** How many of them the jobs of one toolset, or of one client, may have. */
  readonly maxPerShare: number;
  /** A job that took this much work makes its toolset and its client slow, in milliseconds of CPU time. */
  readonly slowCpuMs: number;
  /** The heap of each, in MiB. */
  readonly maxHeapMb: number;
  /** How long a worker may be without work before it is ended, in milliseconds; the last one stays, or a new one does in its place. */
  readonly maxIdleMs: number;
  /** How many jobs may wait in all, and of one toolset or one client. */
  readonly maxWaiting: number;
  readonly maxWaitingPerShare: number;
  /** How many bytes the values of waiting jobs may have in all, and of one toolset or one client; where none waits, one always may. */
  readonly maxWaitingBytes: number;
  readonly maxWaitingBytesPerShare: number;
}

/**
 * What is known of a job's work before it is done.
 *
 * - `bounded`: it is small, whatever the value.
 * - `open`: nothing.
 * - `slow`: it is likely to be much. An open job is slow where its toolset or its client had a slow one lately.
 */
export type Risk = "bounded" | "open" | "slow";

/** A job for a worker of the pool. */
export interface PoolJob<Answer> {
  readonly toolset: string;
  /** The connection, or the principal, that the work is done for. */
  readonly client: string;
  readonly risk: Risk;
  /** What the job's value has while it waits, in bytes. */
  readonly bytes: number;
  /** The schema that it needs: a worker that has it prepared is preferred. */
  readonly key?: string;
  /** How long the answer is of use, in milliseconds. */
  readonly withinMs?: number | undefined;
  /** Aborted when nothing waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** @param unneeded aborted when the answer is of no use any more. */
  readonly work: (worker: SchemaWorker, unneeded: AbortSignal) => Promise<Answer>;
}

/** What became of a job: done, or why not. */
export type PoolOutcome<Answer> =
  | { readonly kind: "done"; readonly answer: Answer }
  /** Too much waits already. */
  | { readonly kind: "busy" }
  /** Its time ran out. */
  | { readonly kind: "late" }
  /** Its signal was aborted. */
  | { readonly kind: "left" }
  | { readonly kind: "stopped" };

export interface PoolCounters {
  readonly starts: number;
  readonly workers: number;
  readonly jobs: number;
  readonly running: number;
  readonly waiting: number;
}

interface Waiting {
  readonly bytes: number;
  readonly key: string | undefined;
  begin(worker: SchemaWorker): Promise<void>;
  drop(outcome: { readonly kind: "busy" | "stopped" }): void;
}

/** What the jobs of one toolset, or of one client, have of the pool. */
interface Share {
  readonly name: string;
  /** How many flows have part in it. */
  flows: number;
  waiting: number;
  bytes: number;
  running: number;
}

/** Jobs of one toolset for one client, in the order in which they came. */
interface Flow {
  readonly name: string;
  readonly toolset: Share;
  readonly client: Share;
  /** The client's host. */
  readonly host: string;
  readonly risk: Risk;
  readonly waiting: Set<Waiting>;
  running: number;
}

/** A worker, and the greatest risk that it is for. */
interface Place {
  readonly worker: SchemaWorker;
  risk: Risk;
  /** Ends it when it was idle for long; set while it is. */
  idling: NodeJS.Timeout | undefined;
}

/** What a job counts besides its work, in milliseconds of CPU time: its message, and work too small for the system's clock. */
const LEAST_CPU_MS = 1;
/** A heap that is worth a new worker; one with a few schemas takes 10 to 20 MiB. */
const LARGE_HEAP_BYTES = 32 * 1_048_576;

/** The name of all toolsets of which no job is known. */
const NEWCOMERS = "newcomers";

const RISKS: Readonly<Record<Risk, number>> = { bounded: 0, open: 1, slow: 2 };

/**
 * Workers for schemas and values that may be hostile, shared fairly by toolsets and by clients.
 *
 * - A worker that is free takes a job for which the least was done lately: for its toolset, its client and its client's host
 *   together, with what its own work is likely to be. Among equals they take turns.
 * - The work of a job is likely to be what its toolset's like it took lately; of a toolset that is new, what those of new ones took.
 *   Thus many that are new and hostile keep none waiting that is known to be modest, and a stranger no other host's.
 * - No toolset and no client has all the workers. Jobs of unknown work leave some to those whose work is bounded, and slow ones
 *   some to the rest: whatever is thrown at the pool, a neighbour's job finds a worker that is free, or soon is.
 * - Each risk has workers of its own as far as possible, so that a slow job, which may cost its worker, costs no schemas that
 *   others have compiled there. A worker that is lost is replaced at once.
 * - A worker that has nothing to do for long is ended, and with it what its heap has grown to. The last one stays, unless its heap
 *   is large: an engine that does nothing collects nothing. A new one takes its place then.
 * - A job that nothing waits for any more leaves the queue; one that has begun is stopped by its worker (`SchemaWorker.run`).
 * - When too much waits, the client that has most in the queue loses its latest job.
 */
export class WorkerPool {
  readonly #limits: PoolLimits;
  readonly #monotonicMs: () => number;
  readonly #clockOf: ThreadClockOf;
  readonly #hostOf: (client: string) => string;
  readonly #recent: RecentWork;
  readonly #toolsets = new Map<string, Share>();
  readonly #clients = new Map<string, Share>();
  /** In the order of their turns. Without jobs there is no flow. */
  readonly #flows = new Map<string, Flow>();
  readonly #idle = new Set<Place>();
  readonly #busy = new Set<Place>();
  readonly #jobs = new Set<Promise<void>>();
  /** Workers that were idle for long. */
  readonly #ending = new Set<Promise<void>>();
  readonly #running: Record<Risk, number> = { bounded: 0, open: 0, slow: 0 };
  #waiting = 0;
  #bytes = 0;
  #starts = 0;
  #begun = 0;
  #isStopped = false;

  /**
   * Constructing it starts nothing.
   *
   * @param monotonicMs milliseconds that only go forward.
   * @param hostOf the host of a client, by the client's name; one for all unless said.
   */
  constructor(
    limits: PoolLimits,
    monotonicMs: () => number,
    clockOf: ThreadClockOf = cpuClockOf,
    hostOf: (client: string) => string = () => "",
  ) {
    this.#limits = limits;
    this.#hostOf = hostOf;
    this.#monotonicMs = monotonicMs;
    this.#clockOf = clockOf;
    this.#recent = new RecentWork(monotonicMs);
  }

  /** Workers that were started, those that are there, jobs that were given to them, those that are being done, and those that wait. */
  get counters(): PoolCounters {
    const workers = this.#idle.size + this.#busy.size;
    return { starts: this.#starts, workers, jobs: this.#begun, running: this.#busy.size, waiting: this.#waiting };
  }

  /**
   * Does a job when a worker is free and its turn has come.
   *
   * @throws what the job's work throws.
   */
  run<Answer>(wanted: PoolJob<Answer>): Promise<PoolOutcome<Answer>> {
    const { bytes, key, withinMs, signal, work } = wanted;
    if (this.#isStopped) return Promise.resolve({ kind: "stopped" });
    if (signal?.aborted) return Promise.resolve({ kind: "left" });
    if (withinMs !== undefined && withinMs <= 0) return Promise.resolve({ kind: "late" });
    const flow = this.#flow(wanted);
    if (!this.#makeRoom(flow, bytes)) {
      this.#forgetIfEmpty(flow);
      return Promise.resolve({ kind: "busy" });
    }
    return new Promise((resolve, reject) => {
      const unneeded = new AbortController();
      const onLeft = (): void => giveUp("left");
      const settle = (outcome: PoolOutcome<Answer>): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onLeft);
        resolve(outcome);
      };
      const giveUp = (kind: "late" | "left"): void => {
        this.#remove(flow, job);
        this.#forgetIfEmpty(flow);
        unneeded.abort();
        settle({ kind });
      };
      const job: Waiting = {
        bytes,
        key,
        begin: (worker) =>
          work(worker, unneeded.signal).then(
            (answer) => settle({ kind: "done", answer }),
            (error: unknown) => {
              reject(error);
              settle({ kind: "stopped" }); // which only tidies up now
            },
          ),
        drop: settle,
      };
      const timer = after(withinMs, () => giveUp("late"));
      signal?.addEventListener("abort", onLeft, { once: true });
      flow.waiting.add(job);
      this.#count(flow, bytes, 1);
      this.#pump();
    });
  }

  /** Starts a worker where there is none yet, so that the first job does not wait for that. */
  warm(): void {
    if (!this.#isStopped && this.#idle.size + this.#busy.size === 0) this.#rest(this.#place("open"));
  }

  /** Ends the workers, and drops what waits. Idempotent; resolves when the threads are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const flow of this.#flows.values()) {
      for (const job of [...flow.waiting]) {
        this.#remove(flow, job);
        job.drop({ kind: "stopped" });
      }
    }
    for (const { idling } of this.#idle) clearTimeout(idling);
    await Promise.all([...this.#idle, ...this.#busy].map(({ worker }) => worker.stop()));
    await Promise.all(this.#jobs);
    await Promise.all(this.#ending);
  }

  #flow({ toolset, client, risk }: Pick<PoolJob<unknown>, "toolset" | "client" | "risk">): Flow {
    const name = `${risk} ${toolset} ${client}`; // none of them has spaces but the last
    const known = this.#flows.get(name);
    if (known !== undefined) return known;
    const shares = { toolset: shareOf(this.#toolsets, toolset), client: shareOf(this.#clients, client) };
    const flow: Flow = { name, ...shares, host: this.#hostOf(client), risk, waiting: new Set(), running: 0 };
    this.#flows.set(name, flow);
    return flow;
  }

  #forgetIfEmpty(flow: Flow): void {
    if (flow.waiting.size > 0 || flow.running > 0 || !this.#flows.delete(flow.name)) return;
    if (--flow.toolset.flows === 0) this.#toolsets.delete(flow.toolset.name);
    if (--flow.client.flows === 0) this.#clients.delete(flow.client.name);
  }

  /** Whether one more job may wait; where there is no room, the client with the most in the queue makes some. */
  #makeRoom(flow: Flow, bytes: number): boolean {
    const { maxWaiting, maxWaitingPerShare, maxWaitingBytes, maxWaitingBytesPerShare } = this.#limits;
    for (const share of [flow.toolset, flow.client]) {
      if (share.waiting >= maxWaitingPerShare) return false;
      if (share.waiting > 0 && share.bytes + bytes > maxWaitingBytesPerShare) return false;
    }
    while (this.#waiting >= maxWaiting || (this.#waiting > 0 && this.#bytes + bytes > maxWaitingBytes)) {
      const most = this.#fullest();
      const after = { waiting: flow.client.waiting + 1, bytes: flow.client.bytes + bytes };
      if (most === undefined || this.#fill(most.client) <= this.#fill(after)) return false;
      const latest = [...most.waiting].at(-1);
      if (latest === undefined) return false;
      this.#remove(most, latest);
      this.#forgetIfEmpty(most);
      latest.drop({ kind: "busy" });
    }
    return true;
  }

  /** The latest flow of the client that has most in the queue. */
  #fullest(): Flow | undefined {
    let most: Flow | undefined;
    for (const flow of this.#flows.values()) {
      // A client's only job stays: small values are not to drive out large ones.
      if (flow.waiting.size === 0 || flow.client.waiting === 1) continue;
      if (most === undefined || this.#fill(flow.client) >= this.#fill(most.client)) most = flow;
    }
    return most;
  }

  /** Which part of the queue's room this takes. */
  #fill({ waiting, bytes }: Pick<Share, "waiting" | "bytes">): number {
    return Math.max(waiting / this.#limits.maxWaiting, bytes / this.#limits.maxWaitingBytes);
  }

  #count({ toolset, client }: Flow, bytes: number, by: 1 | -1): void {
    this.#waiting += by;
    this.#bytes += by * bytes;
    for (const share of [toolset, client]) {
      share.waiting += by;
      share.bytes += by * bytes;
    }
  }

  #remove(flow: Flow, job: Waiting): void {
    if (flow.waiting.delete(job)) this.#count(flow, job.bytes, -1);
  }

  /** Gives jobs to workers as long as there are both. */
  #pump(): void {
    while (!this.#isStopped) {
      if (this.#idle.size === 0 && this.#busy.size >= this.#limits.workers) return;
      const next = this.#next();
      if (next === undefined) return;
      const running = this.#begin(...next);
      this.#jobs.add(running);
      void running.finally(() => this.#jobs.delete(running));
    }
  }

  /** The job whose turn it is; its flow goes to the end of the line. */
  #next(): readonly [Flow, Waiting, Risk] | undefined {
    let next: readonly [Flow, Risk] | undefined;
    let least = Number.POSITIVE_INFINITY;
    const atMs = this.#monotonicMs();
    for (const flow of this.#flows.values()) {
      if (flow.waiting.size === 0) continue;
      const risk = this.#riskOf(flow);
      if (!this.#mayBegin(flow, risk)) continue;
      const work = namesOf(flow).reduce((sum, name) => sum + this.#recent.of(name, atMs), this.#likelyMs(flow));
      if (work >= least) continue;
      least = work;
      next = [flow, risk];
    }
    if (next === undefined) return undefined;
    const [flow, risk] = next;
    const [job] = flow.waiting;
    if (job === undefined) return undefined;
    this.#remove(flow, job);
    this.#flows.delete(flow.name);
    this.#flows.set(flow.name, flow);
    return [flow, job, risk];
  }

  /** What the work of a flow's next job is likely to be, in milliseconds of CPU time. */
  #likelyMs(flow: Flow): number {
    if (flow.risk === "bounded") return 0;
    return this.#recent.meanOf(checksName(flow)) ?? this.#recent.meanOf(NEWCOMERS) ?? 0;
  }

  #riskOf(flow: Flow): Risk {
    if (flow.risk === "bounded") return this.#recent.isSlow(flow.name) ? "slow" : "bounded";
    const isSlow = this.#recent.isSlow(toolsetName(flow)) || this.#recent.isSlow(clientName(flow));
    return isSlow ? "slow" : flow.risk;
  }

  #mayBegin({ toolset, client }: Flow, risk: Risk): boolean {
    const { maxOpen, maxSlow, maxPerShare } = this.#limits;
    if (Math.max(toolset.running, client.running) >= maxPerShare) return false;
    if (risk !== "bounded" && this.#running.open + this.#running.slow >= maxOpen) return false;
    return risk !== "slow" || this.#running.slow < maxSlow;
  }

  async #begin(flow: Flow, job: Waiting, risk: Risk): Promise<void> {
    const place = this.#take(job.key, risk);
    const { worker } = place;
    const before = worker.workMs;
    this.#countRunning(flow, risk, 1);
    for (const name of namesOf(flow)) this.#recent.add(name, LEAST_CPU_MS, false);
    this.#begun++;
    await job.begin(worker);
    this.#countRunning(flow, risk, -1);
    const workMs = worker.workMs - before;
    const isLost = worker.isLost && !this.#isStopped;
    const isBounded = flow.risk === "bounded";
    const isSlow = !isBounded && (isLost || workMs >= this.#limits.slowCpuMs);
    for (const name of [toolsetName(flow), clientName(flow)]) this.#recent.add(name, workMs, isSlow);
    this.#recent.add(hostName(flow), workMs, false);
    // Its schema was not what it was taken for; that says nothing of the others.
    if (isBounded) this.#recent.add(flow.name, 0, isLost);
    else {
      if (this.#recent.meanOf(checksName(flow)) === undefined) this.#recent.add(NEWCOMERS, workMs, false);
      this.#recent.add(checksName(flow), workMs, false);
    }
    this.#forgetIfEmpty(flow);
    this.#busy.delete(place);
    if (isLost) this.#rest(this.#place(place.risk));
    else if (!worker.isLost) this.#rest(place);
    this.#pump();
  }

  #countRunning(flow: Flow, risk: Risk, by: 1 | -1): void {
    flow.running += by;
    flow.toolset.running += by;
    flow.client.running += by;
    this.#running[risk] += by;
  }

  /**
   * A worker for a job: of those for its risk, or without schemas, one that has its schema, else any of them; else a new one;
   * else one that is for another risk, the one with the fewest schemas to lose.
   */
  #take(key: string | undefined, risk: Risk): Place {
    let place: Place | undefined;
    const rank = (each: Place): number => {
      const hasKey = key !== undefined && each.worker.has(key);
      if (each.risk === risk) return hasKey ? 0 : 1;
      if (each.worker.schemas === 0) return 1;
      return 2 + (RISKS[each.risk] > RISKS[risk] ? 0 : 1 + each.worker.schemas);
    };
    for (const each of this.#idle) {
      if (each.worker.isLost) this.#idle.delete(each);
      else if (place === undefined || rank(each) < rank(place)) place = each;
    }
    const mayStart = this.#idle.size + this.#busy.size < this.#limits.workers;
    if (place === undefined || (rank(place) > 1 && mayStart)) place = this.#place(risk);
    clearTimeout(place.idling);
    if (RISKS[risk] > RISKS[place.risk] || place.worker.schemas === 0) place.risk = risk;
    this.#idle.delete(place);
    this.#busy.add(place);
    return place;
  }

  /** A worker that has nothing to do, until it was so for long. */
  #rest(place: Place): void {
    this.#idle.add(place);
    place.idling = setTimeout(() => {
      const isLast = this.#idle.size + this.#busy.size === 1;
      if ((isLast && place.worker.heapBytes <= LARGE_HEAP_BYTES) || !this.#idle.delete(place)) return;
      if (isLast) this.#rest(this.#place(place.risk));
      const ending = place.worker.stop().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }, this.#limits.maxIdleMs);
    place.idling.unref();
  }

  /** A place with a new worker. */
  #place(risk: Risk): Place {
    this.#starts++;
    const { maxHeapMb } = this.#limits;
    const worker = new SchemaWorker({ maxHeapMb, monotonicMs: this.#monotonicMs, clockOf: this.#clockOf });
    return { worker, risk, idling: undefined };
  }
}

function shareOf(shares: Map<string, Share>, name: string): Share {
  const share = shares.get(name) ?? { name, flows: 0, waiting: 0, bytes: 0, running: 0 };
  share.flows++;
  shares.set(name, share);
  return share;
}

/** Names in the record of recent work: a toolset and a client may be called the same. */
function toolsetName({ toolset }: Flow): string {
  return `toolset ${toolset.name}`;
}

/** What jobs of unknown work take is counted by itself: others say nothing of it. */
function checksName({ toolset }: Flow): string {
  return `checks ${toolset.name}`;
}

function clientName({ client }: Flow): string {
  return `client ${client.name}`;
}

function hostName({ host }: Flow): string {
  return `host ${host}`;
}

/** The names that a flow's work counts for. */
function namesOf(flow: Flow): readonly string[] {
  return [toolsetName(flow), clientName(flow), hostName(flow)];
}
