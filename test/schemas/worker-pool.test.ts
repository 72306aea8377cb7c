import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import type { SchemaWorker } from "../../src/schemas/schema-worker.js";
import { type PoolJob, type PoolLimits, WorkerPool } from "../../src/schemas/worker-pool.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

const LIMITS: PoolLimits = {
  workers: 2,
  maxOpen: 10,
  maxSlow: 10,
  maxPerShare: 1,
  slowCpuMs: 100,
  maxHeapMb: 64,
  maxIdleMs: 60_000,
  maxWaiting: 100,
  maxWaitingPerShare: 50,
  maxWaitingBytes: 1_000,
  maxWaitingBytesPerShare: 500,
};

const ANY = { toolset: "a", client: "c", risk: "open", bytes: 1 } as const;

let pool: WorkerPool | undefined;

function start(limits: Partial<PoolLimits> = {}): WorkerPool {
  pool = new WorkerPool({ ...LIMITS, ...limits }, () => performance.now());
  return pool;
}

afterEach(() => pool?.stop());

/** Jobs that last until they are let go, and the order in which they began. Each has a client of its own, unless it is said. */
class Jobs {
  readonly begun: string[] = [];
  readonly ends = new Map<string, () => void>();
  readonly workers = new Map<string, SchemaWorker>();
  readonly unneeded = new Map<string, AbortSignal>();

  add(to: WorkerPool, name: string, more: Partial<PoolJob<string>> = {}) {
    const { bytes = 1, toolset = name.slice(0, 1), client = name, risk = "open", ...rest } = more;
    const work = (worker: SchemaWorker, unneeded: AbortSignal): Promise<string> => {
      this.begun.push(name);
      this.unneeded.set(name, unneeded);
      this.workers.set(name, worker);
      const end = deferred<string>();
      this.ends.set(name, () => end.resolve(name));
      return end.promise;
    };
    return to.run({ toolset, client, risk, bytes, work, ...rest });
  }

  async end(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.ends.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("toolsets share the workers", () => {
  test("one that asks for much never has all of them", async () => {
    const [box, jobs] = [start(), new Jobs()];
    const heavy = ["a1", "a2", "a3"].map((name) => jobs.add(box, name));
    expect(jobs.begun).toEqual(["a1"]);
    const light = jobs.add(box, "b1");
    expect(jobs.begun).toEqual(["a1", "b1"]);
    await jobs.end("b1");
    expect(await light).toEqual({ kind: "done", answer: "b1" });
    // The neighbour is served while the first of the heavy ones is still under way.
    expect(jobs.begun).toEqual(["a1", "b1"]);
    await jobs.end("a1", "a2", "a3");
    expect(await Promise.all(heavy)).toMatchObject([{ answer: "a1" }, { answer: "a2" }, { answer: "a3" }]);
  });

  test("they take turns, however many jobs each has", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    for (const name of ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]) void jobs.add(box, name);
    await jobs.end("a1", "b1", "c1", "a2", "b2", "a3", "a4");
    expect(jobs.begun).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  });

  test("workers are started when they are needed, and used again", async () => {
    const [box, jobs] = [start({ workers: 3 }), new Jobs()];
    expect(box.counters).toEqual({ starts: 0, workers: 0, jobs: 0, running: 0, waiting: 0 });
    for (const name of ["a1", "a2"]) {
      void jobs.add(box, name);
      await jobs.end(name);
    }
    expect(box.counters).toEqual({ starts: 1, workers: 1, jobs: 2, running: 0, waiting: 0 });
    void jobs.add(box, "a3");
    void jobs.add(box, "b1");
    expect(box.counters.starts).toBe(2);
    await jobs.end("a3", "b1");
  });

  test("a lost worker is replaced at once, and the others are kept", async () => {
    const [box, jobs] = [start({ workers: 2 }), new Jobs()];
    void jobs.add(box, "a1");
    void jobs.add(box, "b1");
    await jobs.workers.get("a1")?.stop();
    await jobs.end("b1", "a1");
    expect(box.counters.starts).toBe(3);
    void jobs.add(box, "b2");
    void jobs.add(box, "c1");
    expect(jobs.workers.get("b2")).toBe(jobs.workers.get("b1"));
    expect(box.counters.starts).toBe(3);
    await jobs.end("b2", "c1");
  });

  test("a worker that has nothing to do for long is ended, but for the last one", async () => {
    const [box, jobs] = [start({ workers: 3, maxIdleMs: 20 }), new Jobs()];
    for (const name of ["a1", "b1", "c1"]) void jobs.add(box, name);
    const three = [...jobs.workers.values()];
    expect(box.counters).toMatchObject({ starts: 3, workers: 3 });
    await jobs.end("a1", "b1");
    // The third one works, so that it is not idle, however long that takes.
    await until("those without work have ended", () => box.counters.workers === 1);
    expect(three.map(({ isLost }) => isLost)).toEqual([true, true, false]);
    await jobs.end("c1");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(box.counters).toMatchObject({ starts: 3, workers: 1, running: 0 });
    void jobs.add(box, "c2");
    expect(jobs.workers.get("c2")).toBe(three[2]);
    // With what its heap has grown to it does not stay.
    Object.defineProperty(three[2], "heapBytes", { value: 2 ** 26 });
    await jobs.end("c2");
    await until("another has its place", () => box.counters.starts === 4);
    expect(three[2]?.isLost).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(box.counters).toMatchObject({ starts: 4, workers: 1 });
  });

  test("the one for which least was done lately comes first, and of a client the work for all its toolsets counts", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    void jobs.add(box, "a1", { client: "greedy" });
    const [worker] = jobs.workers.values();
    if (worker === undefined) throw new Error("It has begun.");
    Object.defineProperty(worker, "workMs", { value: 50, configurable: true });
    for (const name of ["a2", "b1", "c1"]) void jobs.add(box, name, { client: "greedy" });
    for (const name of ["d1", "e1"]) void jobs.add(box, name, { client: "modest" });
    await jobs.end("a1", "d1", "e1", "b1", "c1", "a2");
    expect(jobs.begun).toEqual(["a1", "d1", "e1", "b1", "c1", "a2"]);
  });
});

describe("strangers share the workers", () => {
  /** What a worker says that its job took, until the next one. */
  function took(worker: SchemaWorker | undefined, workMs: number): void {
    if (worker === undefined) throw new Error("It has begun.");
    Object.defineProperty(worker, "workMs", { value: worker.workMs + workMs, configurable: true });
  }

  const hostOf = (client: string): string => client.split(":")[0] ?? "";
  const strangers = Array.from({ length: 24 }, (_, index) => `s${index}`);

  test("and many that are new to the pool keep none waiting whose checks are known to be short", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    const modest = { toolset: "modest", client: "m" };
    void jobs.add(box, "m1", modest);
    took(jobs.workers.get("m1"), 5);
    await jobs.end("m1");
    for (const name of strangers) void jobs.add(box, name, { toolset: name });
    expect(jobs.begun).toEqual(["m1", "s0"]);
    void jobs.add(box, "m2", modest);
    took(jobs.workers.get("s0"), 1_000);
    await jobs.end("s0");
    expect(jobs.begun).toEqual(["m1", "s0", "m2"]);
    took(jobs.workers.get("m2"), 5);
    await jobs.end("m2");
    // And they are new once only: whatever they take, each has its turn.
    await jobs.end(...strangers.slice(1));
    expect(jobs.begun).toEqual(["m1", "s0", "m2", ...strangers.slice(1)]);
  });

  test("and values that are only large make no check look long that was short ten minutes ago", async () => {
    let nowMs = 0;
    pool = new WorkerPool({ ...LIMITS, workers: 1 }, () => nowMs);
    const [box, jobs] = [pool, new Jobs()];
    const modest = { toolset: "modest", client: "m" };
    void jobs.add(box, "m1", modest);
    took(jobs.workers.get("m1"), 5);
    await jobs.end("m1");
    nowMs += 600_000;
    void jobs.add(box, "large", { ...modest, risk: "bounded" });
    took(jobs.workers.get("large"), 5);
    await jobs.end("large");
    for (const name of strangers) void jobs.add(box, name, { toolset: name });
    void jobs.add(box, "m2", modest);
    took(jobs.workers.get("s0"), 1_000);
    await jobs.end("s0");
    expect(jobs.begun).toEqual(["m1", "large", "s0", "m2"]);
    await jobs.end("m2", ...strangers.slice(1));
  });

  test("and a stranger waits for one check of those of another host, not for one of each", async () => {
    pool = new WorkerPool({ ...LIMITS, workers: 1 }, () => performance.now(), undefined, hostOf);
    const [box, jobs] = [pool, new Jobs()];
    for (const [index, name] of strangers.entries())
      void jobs.add(box, name, { toolset: name, client: `hostile:${index}` });
    void jobs.add(box, "honest", { client: "other:1" });
    took(jobs.workers.get("s0"), 1_000);
    await jobs.end("s0");
    expect(jobs.begun).toEqual(["s0", "honest"]);
    await jobs.end("honest", ...strangers.slice(1));
    expect(jobs.begun.length).toBe(25);
  });
});

describe("clients share the workers", () => {
  test("one that spreads over many toolsets has no more of them than one toolset has", async () => {
    const [box, jobs] = [start(), new Jobs()];
    for (const name of ["a1", "b1", "c1", "d1"]) void jobs.add(box, name, { client: "greedy" });
    expect(jobs.begun).toEqual(["a1"]);
    void jobs.add(box, "e1", { client: "modest" });
    expect(jobs.begun).toEqual(["a1", "e1"]);
    await jobs.end("a1", "b1", "c1", "d1", "e1");
  });

  test("and where too much waits, the one with the most of it loses its latest", async () => {
    const [box, jobs] = [start({ workers: 1, maxWaiting: 3 }), new Jobs()];
    void jobs.add(box, "x1");
    const many = ["a1", "b1", "c1"].map((name) => jobs.add(box, name, { client: "greedy" }));
    const few = jobs.add(box, "d1", { client: "modest" });
    expect(await many[2]).toEqual({ kind: "busy" });
    expect(await jobs.add(box, "e1", { client: "greedy" })).toEqual({ kind: "busy" });
    await jobs.end("x1", "a1", "d1", "b1");
    expect(await few).toEqual({ kind: "done", answer: "d1" });
  });
});

describe("risks share the workers", () => {
  test("jobs of unknown work leave one to those whose work is bounded, and slow ones one to the rest", async () => {
    const [box, jobs] = [start({ workers: 3, maxOpen: 2, maxSlow: 1 }), new Jobs()];
    void jobs.add(box, "a1", { risk: "slow" });
    void jobs.add(box, "b1", { risk: "slow" });
    void jobs.add(box, "c1");
    void jobs.add(box, "d1");
    expect(jobs.begun).toEqual(["a1", "c1"]);
    void jobs.add(box, "e1", { risk: "bounded" });
    expect(jobs.begun).toEqual(["a1", "c1", "e1"]);
    await jobs.end("a1", "b1", "c1", "d1", "e1");
  });

  test("a toolset and a client that cost a worker are slow from then on", async () => {
    const [box, jobs] = [start({ workers: 3, maxOpen: 2, maxSlow: 1 }), new Jobs()];
    void jobs.add(box, "a1", { client: "hostile" });
    await jobs.workers.get("a1")?.stop();
    await jobs.end("a1");
    void jobs.add(box, "a2");
    void jobs.add(box, "b1", { client: "hostile" });
    void jobs.add(box, "c1");
    expect(jobs.begun).toEqual(["a1", "a2", "c1"]);
    await jobs.end("a2", "c1", "b1");
  });

  test("a slow one does not get the worker that has others' schemas", async () => {
    const [box, jobs] = [start({ workers: 3, maxOpen: 2, maxSlow: 1 }), new Jobs()];
    for (const risk of ["bounded", "open", "slow"] as const) {
      void jobs.add(box, `${risk}1`, { risk });
      await jobs.end(`${risk}1`);
      Object.defineProperty(jobs.workers.get(`${risk}1`), "schemas", { value: 1 });
    }
    expect(new Set(jobs.workers.values()).size).toBe(3);
    for (const risk of ["slow", "bounded", "open"] as const) {
      void jobs.add(box, `${risk}2`, { risk });
      await jobs.end(`${risk}2`);
      expect(jobs.workers.get(`${risk}2`)).toBe(jobs.workers.get(`${risk}1`));
    }
  });
});

describe("bounds", () => {
  test("of waiting jobs, of a toolset and in all", async () => {
    const [box, jobs] = [start({ workers: 1, maxWaiting: 3, maxWaitingPerShare: 2 }), new Jobs()];
    const kinds = ["a0", "a1", "a2", "a3", "b1", "c1"].map((name) => jobs.add(box, name));
    expect(await Promise.all([kinds[3], kinds[5]])).toEqual([{ kind: "busy" }, { kind: "busy" }]);
    await jobs.end("a0", "a1", "b1", "a2", "a1", "b1", "a2");
    expect(await Promise.all(kinds)).toMatchObject([
      { kind: "done" },
      { kind: "done" },
      { kind: "done" },
      { kind: "busy" },
      { kind: "done" },
      { kind: "busy" },
    ]);
  });

  test("of their bytes, but one may always wait", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    void jobs.add(box, "a0");
    void jobs.add(box, "a1", { bytes: 900 });
    expect(await jobs.add(box, "a2")).toEqual({ kind: "busy" });
    expect(await jobs.add(box, "b1", { bytes: 200 })).toEqual({ kind: "busy" });
    const fits = jobs.add(box, "b2", { bytes: 100 });
    await jobs.end("a0", "a1", "b2", "a1", "b2");
    expect(await fits).toEqual({ kind: "done", answer: "b2" });
  });

  test("of time: what is too late is dropped where it waits, and not needed where it has begun", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    expect(await jobs.add(box, "a0", { withinMs: 0 })).toEqual({ kind: "late" });
    const begun = jobs.add(box, "a1", { withinMs: 20 });
    const waiting = jobs.add(box, "a2", { withinMs: 20 });
    const next = jobs.add(box, "a3");
    expect(await Promise.all([begun, waiting])).toEqual([{ kind: "late" }, { kind: "late" }]);
    expect([jobs.unneeded.get("a1")?.aborted, box.counters.waiting]).toEqual([true, 1]);
    await jobs.end("a1", "a3");
    expect(await next).toEqual({ kind: "done", answer: "a3" });
    expect(jobs.begun).toEqual(["a1", "a3"]);
  });

  test("of more time than a timer can have: it is not too late", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    const begun = jobs.add(box, "a1", { withinMs: 2 ** 32 - 1 });
    const waiting = jobs.add(box, "a2", { withinMs: Number.POSITIVE_INFINITY });
    // Node would have taken either for a millisecond.
    await jobs.add(box, "a3", { withinMs: 20 });
    expect(jobs.unneeded.get("a1")?.aborted).toBe(false);
    await jobs.end("a1", "a2");
    expect(await Promise.all([begun, waiting])).toMatchObject([{ kind: "done" }, { kind: "done" }]);
  });

  test("of its caller's presence: one that has left takes its jobs along", async () => {
    const [box, jobs, caller] = [start({ workers: 1 }), new Jobs(), new AbortController()];
    const { signal } = caller;
    const left = ["a1", "a2", "b1"].map((name) => jobs.add(box, name, { signal }));
    const stays = jobs.add(box, "c1");
    caller.abort();
    expect(await Promise.all(left)).toEqual([{ kind: "left" }, { kind: "left" }, { kind: "left" }]);
    expect([jobs.unneeded.get("a1")?.aborted, box.counters.waiting]).toEqual([true, 1]);
    expect(await jobs.add(box, "a3", { signal })).toEqual({ kind: "left" });
    await jobs.end("a1", "c1");
    expect(await stays).toEqual({ kind: "done", answer: "c1" });
    expect(jobs.unneeded.get("c1")?.aborted).toBe(false);
  });

  test("a job that fails is its own fault", async () => {
    const box = start({ workers: 1 });
    await expect(box.run({ ...ANY, work: () => Promise.reject(new RangeError("no")) })).rejects.toThrow(RangeError);
    expect(await box.run({ ...ANY, work: async () => 1 })).toEqual({ kind: "done", answer: 1 });
  });
});

test("stop drops what waits, lets nothing begin, and is idempotent", async () => {
  const [box, jobs] = [start({ workers: 1 }), new Jobs()];
  const [, waiting] = [jobs.add(box, "a1"), jobs.add(box, "a2")];
  const stopped = box.stop();
  await jobs.end("a1");
  await stopped;
  await box.stop();
  expect(await waiting).toEqual({ kind: "stopped" });
  expect(await jobs.add(box, "a3")).toEqual({ kind: "stopped" });
});
