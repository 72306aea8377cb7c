import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import type { Json } from "../../src/contract/contract.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/gate.js";
import { Sandbox, type SandboxLimits } from "../../src/schemas/sandbox.js";
import { expectNoLeaks } from "../support/leaks.js";
import { DOUBLES_WITH_DEPTH, nested, wideSchema } from "./hostile-schemas.js";

expectNoLeaks();

const LONG_MS = 30_000;
const PLAIN = { assertFormats: false, exactNumbers: false };

const bytesOf = (value: Json): Uint8Array => Buffer.from(JSON.stringify(value));

let sandbox: Sandbox | undefined;

function start(limits: Partial<SandboxLimits> = {}): Sandbox {
  sandbox = new Sandbox({ maxHeapMb: 128, maxWaiting: 16, ...limits }, () => performance.now());
  return sandbox;
}

afterEach(() => sandbox?.stop());

const PREPARE = {
  kind: "prepare",
  key: "k",
  schema: { type: "string" },
  limits: DEFAULT_SCHEMA_LIMITS,
  options: PLAIN,
} as const;

describe("a worker", () => {
  test("starts with the first job, and is the same for the next", async () => {
    const box = start();
    expect(box.counters).toEqual({ starts: 0, jobs: 0 });
    expect(await box.run({ kind: "judge", key: "k", bytes: bytesOf(1) }, LONG_MS)).toMatchObject({
      kind: "done",
      reply: { kind: "unprepared" },
    });
    expect(await box.run(PREPARE, LONG_MS)).toMatchObject({ kind: "done", reply: { kind: "prepared" } });
    expect(await box.run({ kind: "judge", key: "k", bytes: bytesOf("a") }, LONG_MS)).toMatchObject({
      kind: "done",
      reply: { kind: "judged", validation: { kind: "valid" } },
    });
    expect(box.counters).toEqual({ starts: 1, jobs: 3 });
  });

  test("does its jobs in order, each with its own answer", async () => {
    const box = start();
    await box.run(PREPARE, LONG_MS);
    const outcomes = await Promise.all(
      ["a", 1, "b", 2].map((value) => box.run({ kind: "judge", key: "k", bytes: bytesOf(value) }, LONG_MS)),
    );
    const kinds = outcomes.map(
      (outcome) => outcome.kind === "done" && outcome.reply.kind === "judged" && outcome.reply.validation.kind,
    );
    expect(kinds).toEqual(["valid", "invalid", "valid", "invalid"]);
  });

  test("refuses what inspection refuses", async () => {
    const outcome = await start().run(
      { kind: "prepare", key: "k", schema: { type: "nonsense" }, limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN },
      LONG_MS,
    );
    expect(outcome).toMatchObject({ kind: "done", reply: { kind: "refused", faults: [{ pointer: "/type" }] } });
  });

  test("compiles the largest schema that the gate lets through", async () => {
    const outcome = await start({ maxHeapMb: 256 }).run(
      { kind: "inspect", schema: wideSchema(1_999), limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN },
      LONG_MS,
    );
    expect(outcome).toMatchObject({ kind: "done", reply: { kind: "inspected", faults: [] } });
  });
});

test("an idle worker does not keep its process alive", async () => {
  const module = new URL("../../dist/src/schemas/sandbox.js", import.meta.url).href;
  const script = `
    import { Sandbox } from ${JSON.stringify(module)};
    const box = new Sandbox({ maxHeapMb: 64, maxWaiting: 4 }, () => performance.now());
    const busy = setInterval(() => {}, 1_000);
    const outcome = await box.run({ kind: "inspect", schema: {}, limits: ${JSON.stringify(DEFAULT_SCHEMA_LIMITS)}, options: ${JSON.stringify(PLAIN)} }, 30_000);
    clearInterval(busy);
    console.log(outcome.kind);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout).toBe("done\n");
});

describe("limits", () => {
  test("of time end a job that would take years, and the next one gets a new worker", async () => {
    const box = start();
    await box.run(
      { kind: "prepare", key: "k", schema: DOUBLES_WITH_DEPTH, limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN },
      LONG_MS,
    );
    const turns = countTurns();
    expect(await box.run({ kind: "judge", key: "k", bytes: bytesOf(nested(60)) }, 200)).toMatchObject({
      kind: "overran",
    });
    // The event loop went on meanwhile: it was another thread that was busy.
    expect(turns.stop()).toBeGreaterThan(10);
    expect(await box.run({ kind: "judge", key: "k", bytes: bytesOf(nested(1)) }, LONG_MS)).toMatchObject({
      kind: "done",
      reply: { kind: "unprepared" },
    });
    expect(box.counters.starts).toBe(2);
  });

  test("of memory end a job, not the process", async () => {
    const box = start({ maxHeapMb: 24 });
    await box.run(
      { kind: "prepare", key: "k", schema: { uniqueItems: true }, limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN },
      LONG_MS,
    );
    const value = Array.from({ length: 150_000 }, (_, id) => ({ id: `item-${id}`.repeat(10) }));
    expect((await box.run({ kind: "judge", key: "k", bytes: bytesOf(value) }, LONG_MS)).kind).toBe("broke");
    expect((await box.run(PREPARE, LONG_MS)).kind).toBe("done");
  });

  test("of waiting jobs refuse what comes on top", async () => {
    const box = start({ maxWaiting: 2 });
    const jobs = [box.run(PREPARE, LONG_MS), box.run(PREPARE, LONG_MS)];
    await expect(box.run(PREPARE, LONG_MS)).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED", retryAfterMs: 1_000 });
    await Promise.all(jobs);
    expect((await box.run(PREPARE, LONG_MS)).kind).toBe("done");
  });
});

describe("stop", () => {
  test("is idempotent, starts nothing, and lets nothing start", async () => {
    const box = start();
    await box.stop();
    await box.stop();
    await expect(box.run(PREPARE, LONG_MS)).rejects.toMatchObject({ reason: "NODE_DRAINING" });
    expect(box.counters.starts).toBe(0);
  });

  test("ends the running job and refuses those that wait", async () => {
    const box = start();
    await box.run(
      { kind: "prepare", key: "k", schema: DOUBLES_WITH_DEPTH, limits: DEFAULT_SCHEMA_LIMITS, options: PLAIN },
      LONG_MS,
    );
    const jobs = [
      box.run({ kind: "judge", key: "k", bytes: bytesOf(nested(60)) }, LONG_MS),
      box.run({ kind: "judge", key: "k", bytes: bytesOf(nested(1)) }, LONG_MS),
    ];
    const outcomes = Promise.allSettled(jobs);
    await box.stop();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "NODE_DRAINING" } });
  });

  test("ends a worker that is only starting", async () => {
    const box = start();
    const job = expect(box.run(PREPARE, LONG_MS)).rejects.toMatchObject({ reason: "NODE_DRAINING" });
    await Promise.resolve();
    await box.stop();
    await job;
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
