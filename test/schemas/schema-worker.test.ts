import { execFile } from "node:child_process";
import { getPriority } from "node:os";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import type { Json } from "../../src/json/json.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";
import { SchemaWorker, type SchemaWorkerSettings } from "../../src/schemas/schema-worker.js";
import { cpuClockOf } from "../../src/schemas/thread-clock.js";
import type { WorkerRequest } from "../../src/schemas/worker-messages.js";
import { expectNoLeaks } from "../support/leaks.js";
import { DOUBLES_WITH_DEPTH, nested, wideSchema } from "./hostile-schemas.js";

expectNoLeaks();

const MUCH_MS = 30_000;
const PLAIN = { assertFormats: false, exactNumbers: false };

let worker: SchemaWorker | undefined;

function start(settings: Partial<SchemaWorkerSettings> = {}): SchemaWorker {
  const monotonicMs = (): number => performance.now();
  worker = new SchemaWorker({ maxHeapMb: 128, monotonicMs, clockOf: cpuClockOf, ...settings });
  return worker;
}

afterEach(() => worker?.stop());

const prepare = (schema: Json, key = "k") =>
  ({ kind: "prepare", key, schema, limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN }) as WorkerRequest; // a schema of a test
const judge = (value: Json, key = "k"): WorkerRequest => {
  return { kind: "validate", key, bytes: new Uint8Array(Buffer.from(JSON.stringify(value))) };
};

describe("a worker", () => {
  test("judges by what was prepared, and knows what that is", async () => {
    const one = start();
    expect(await one.run(judge(1), MUCH_MS)).toMatchObject({ kind: "done", reply: { kind: "unprepared" } });
    expect(one.has("k")).toBe(false);
    expect(await one.run(prepare({ type: "string" }), MUCH_MS)).toMatchObject({ reply: { kind: "prepared" } });
    expect(one.has("k")).toBe(true);
    expect(one.heapBytes).toBeGreaterThan(1_048_576);
    const kinds = [];
    for (const value of ["a", 1]) {
      const end = await one.run(judge(value), MUCH_MS);
      kinds.push(end.kind === "done" && end.reply.kind === "validated" && end.reply.validation.kind);
    }
    expect(kinds).toEqual(["valid", "invalid"]);
  });

  test("forgets what was used least lately, and knows that it has", async () => {
    const one = start();
    for (let index = 0; index <= 200; index++) await one.run(prepare(true, `k${index}`), MUCH_MS);
    expect([one.has("k0"), one.has("k1"), one.has("k200")]).toEqual([false, true, true]);
    expect(await one.run(judge(1, "k0"), MUCH_MS)).toMatchObject({ reply: { kind: "unprepared" } });
    expect(await one.run(judge(1, "k1"), MUCH_MS)).toMatchObject({ reply: { kind: "validated" } });
  });

  test("leaves the cores to the event loop, where the system knows of threads", async () => {
    const threads: string[] = [];
    const one = start({
      clockOf: (of, thread) => {
        threads.push(thread);
        return cpuClockOf(of, thread);
      },
    });
    await one.run(prepare(true), MUCH_MS);
    const [thread = ""] = threads;
    if (thread === "") return; // it does not say here what its threads are called
    const own = getPriority();
    expect(getPriority(Number(thread))).toBe(Math.min(19, own + 10));
    expect(getPriority(process.pid)).toBe(own);
  });

  test("refuses what inspection refuses", async () => {
    expect(await start().run(prepare({ type: "nonsense" }), MUCH_MS)).toMatchObject({
      kind: "done",
      reply: { kind: "refused", faults: [{ pointer: "/type" }] },
    });
  });

  test("compiles the largest schema that the policy lets through, and says what work that was", async () => {
    const request = {
      kind: "inspect",
      schema: wideSchema(1_999),
      limits: DEFAULT_SCHEMA_LIMITS,
      options: PLAIN,
    } as const;
    const end = await start({ maxHeapMb: 256 }).run(request, MUCH_MS);
    expect(end).toMatchObject({ kind: "done", reply: { kind: "inspected", faults: [] } });
    expect(end.kind === "done" && end.cpuMs).toBeGreaterThan(0);
  });
});

test("an idle worker does not keep its process alive", async () => {
  const of = (file: string) => JSON.stringify(new URL(`../../dist/src/schemas/${file}.js`, import.meta.url).href);
  const script = `
    import { SchemaWorker } from ${of("schema-worker")};
    import { cpuClockOf } from ${of("thread-clock")};
    const worker = new SchemaWorker({ maxHeapMb: 64, monotonicMs: () => performance.now(), clockOf: cpuClockOf });
    const busy = setInterval(() => {}, 1_000);
    const request = { kind: "inspect", schema: {}, limits: ${JSON.stringify(DEFAULT_SCHEMA_LIMITS)}, options: ${JSON.stringify(PLAIN)} };
    const end = await worker.run(request, 30_000);
    clearInterval(busy);
    console.log(end.kind);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout).toBe("done\n");
});

describe("limits", () => {
  test("of work end a job that would take years; the event loop goes on meanwhile", async () => {
    const one = start();
    await one.run(prepare(DOUBLES_WITH_DEPTH), MUCH_MS);
    const turns = countTurns();
    expect(await one.run(judge(nested(60)), 200)).toEqual({ kind: "overran" });
    expect(turns.stop()).toBeGreaterThan(10);
    expect(one.isLost).toBe(true);
  });

  test("of work are soon met by a job that nothing waits for any more", async () => {
    const one = start();
    await one.run(prepare(DOUBLES_WITH_DEPTH), MUCH_MS);
    const caller = new AbortController();
    const job = one.run(judge(nested(60)), MUCH_MS, caller.signal);
    const before = one.workMs;
    caller.abort();
    expect(await job).toEqual({ kind: "unneeded" });
    expect(one.isLost).toBe(true);
    expect(one.workMs - before).toBeGreaterThan(100);
    expect(one.workMs - before).toBeLessThan(MUCH_MS / 3);
  });

  test("of memory end a job, not the process", async () => {
    const one = start({ maxHeapMb: 24 });
    await one.run(prepare({ uniqueItems: true }), MUCH_MS);
    const value = Array.from({ length: 150_000 }, (_, id) => ({ id: `item-${id}`.repeat(10) }));
    expect(await one.run(judge(value), MUCH_MS)).toEqual({ kind: "broke" });
    expect(one.isLost).toBe(true);
  });

  test("are no time: a thread that gets nothing of a busy machine is waited for", async () => {
    // As if an hour went by between any two looks, while the thread gets hardly anything done.
    let nowMs = 0;
    const one = start({ monotonicMs: () => nowMs, clockOf: () => () => 0 });
    await one.run(prepare(DOUBLES_WITH_DEPTH), MUCH_MS);
    const job = one.run(judge(nested(16)), 10_000_000);
    nowMs += 3_600_000;
    expect(await job).toMatchObject({ kind: "done", reply: { kind: "validated" } });
  });

  test("give up a job only when it hangs for many times its work, and say nothing of its value then", async () => {
    let nowMs = 0;
    const one = start({ monotonicMs: () => nowMs, clockOf: () => () => 0 });
    await one.run(prepare(DOUBLES_WITH_DEPTH), MUCH_MS);
    const job = one.run(judge(nested(60)), 1_000);
    await new Promise((resolve) => setImmediate(resolve)); // it has begun
    nowMs += 30_001;
    expect(await job).toEqual({ kind: "starved" });
  });
});

describe("stop", () => {
  test("is idempotent, and lets nothing run", async () => {
    const one = start();
    await one.stop();
    await one.stop();
    expect(await one.run(prepare(true), MUCH_MS)).toEqual({ kind: "stopped" });
  });

  test("ends the running job", async () => {
    const one = start();
    await one.run(prepare(DOUBLES_WITH_DEPTH), MUCH_MS);
    const job = one.run(judge(nested(60)), MUCH_MS);
    await new Promise((resolve) => setImmediate(resolve));
    await one.stop();
    expect(await job).toEqual({ kind: "stopped" });
  });
});

/** Counts turns of the event loop until it is stopped. */
function countTurns(): { stop(): number } {
  let turns = 0;
  let isOn = true;
  const turn = (): void => {
    turns++;
    if (isOn) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop: () => {
      isOn = false;
      return turns;
    },
  };
}
