import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import type { SchemaWorker } from "../../src/schemas/schema-worker.js";
import { type PoolLimits, WorkerPool } from "../../src/schemas/worker-pool.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const LIMITS: PoolLimits = {
  workers: 2,
  maxHeapMb: 64,
  maxWaiting: 100,
  maxWaitingPerToolset: 50,
  maxWaitingBytes: 1_000,
  maxWaitingBytesPerToolset: 500,
};

let pool: WorkerPool | undefined;

function start(limits: Partial<PoolLimits> = {}): WorkerPool {
  pool = new WorkerPool({ ...LIMITS, ...limits }, () => performance.now());
  return pool;
}

afterEach(() => pool?.stop());

/** Jobs that last until they are let go, and the order in which they began. */
class Jobs {
  readonly begun: string[] = [];
  readonly ends = new Map<string, () => void>();
  readonly workers = new Map<string, SchemaWorker>();

  add(to: WorkerPool, name: string, more: { bytes?: number; withinMs?: number; toolset?: string } = {}) {
    const { bytes = 1, toolset = name.slice(0, 1), ...rest } = more;
    const work = (worker: SchemaWorker): Promise<string> => {
      this.begun.push(name);
      this.workers.set(name, worker);
      const end = deferred<string>();
      this.ends.set(name, () => end.resolve(name));
      return end.promise;
    };
    return to.run({ toolset, bytes, work, ...rest });
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
    await jobs.end("a1", "a2", "b1", "c1", "a3", "b2", "a4");
    await jobs.end("a2", "b1", "c1", "a3", "b2", "a4");
    expect(jobs.begun).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
  });

  test("workers are started when they are needed, and used again", async () => {
    const [box, jobs] = [start({ workers: 3 }), new Jobs()];
    expect(box.counters).toEqual({ starts: 0, jobs: 0 });
    for (const name of ["a1", "a2"]) {
      void jobs.add(box, name);
      await jobs.end(name);
    }
    expect(box.counters).toEqual({ starts: 1, jobs: 2 });
    void jobs.add(box, "a3");
    void jobs.add(box, "b1");
    expect(box.counters.starts).toBe(2);
    await jobs.end("a3", "b1");
  });

  test("a lost worker is replaced, and the others are kept", async () => {
    const [box, jobs] = [start({ workers: 3 }), new Jobs()];
    void jobs.add(box, "a1");
    void jobs.add(box, "b1");
    await jobs.workers.get("a1")?.stop();
    await jobs.end("a1", "b1");
    void jobs.add(box, "a2");
    expect(jobs.workers.get("a2")).toBe(jobs.workers.get("b1"));
    expect(box.counters.starts).toBe(2);
    void jobs.add(box, "b2");
    expect(box.counters.starts).toBe(3);
    await jobs.end("a2", "b2");
  });
});

describe("bounds", () => {
  test("of waiting jobs, of a toolset and in all", async () => {
    const [box, jobs] = [start({ workers: 1, maxWaiting: 3, maxWaitingPerToolset: 2 }), new Jobs()];
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

  test("of time: what is too late is dropped where it waits, and forgotten where it has begun", async () => {
    const [box, jobs] = [start({ workers: 1 }), new Jobs()];
    expect(await jobs.add(box, "a0", { withinMs: 0 })).toEqual({ kind: "late" });
    const begun = jobs.add(box, "a1", { withinMs: 20 });
    const waiting = jobs.add(box, "a2", { withinMs: 20 });
    const next = jobs.add(box, "a3");
    expect(await Promise.all([begun, waiting])).toEqual([{ kind: "late" }, { kind: "late" }]);
    await jobs.end("a1", "a3");
    expect(await next).toEqual({ kind: "done", answer: "a3" });
    expect(jobs.begun).toEqual(["a1", "a3"]);
  });

  test("a job that fails is its own fault", async () => {
    const box = start({ workers: 1 });
    await expect(box.run({ toolset: "a", bytes: 1, work: () => Promise.reject(new RangeError("no")) })).rejects.toThrow(
      RangeError,
    );
    expect(await box.run({ toolset: "a", bytes: 1, work: async () => 1 })).toEqual({ kind: "done", answer: 1 });
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
