import { setMaxListeners } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { JsonSchema, SealedContract } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import type { JsonText } from "../../src/json/read-json.js";
import { ValidatorCache, type ValidatorCacheOptions } from "../../src/schemas/validator-cache.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { DOUBLES_WITH_DEPTH, nested, wideSchema } from "./hostile-schemas.js";
import { jsonText } from "./json-text.js";
import { sealTools } from "./seal.js";

expectNoLeaks();

let cache: ValidatorCache;

afterEach(() => cache.stop());

/** A cache with no limit of work at stake, but for the options. */
function start(options: Partial<ValidatorCacheOptions>): void {
  cache = new ValidatorCache({
    maxContracts: 10,
    validateCpuMs: 30_000,
    compileCpuMs: 60_000,
    contractCpuMs: 120_000,
    ...options,
  });
}

describe("validating beside costly schemas and values", () => {
  test("has no verdict where one would take years, says so, and goes on", async () => {
    start({ validateCpuMs: 300 });
    const sealed = sealTools({ tool: { payload: DOUBLES_WITH_DEPTH } });
    await cache.admit(sealed);
    const set = cache.forContract(sealed.digest, sealed.contract);
    for (let time = 0; time < 2; time++) {
      expect(await set.payload("tool", jsonText(nested(60)))).toEqual({
        kind: "inconclusive",
        why: "validating it by its schema takes more work than a check may; make it smaller or the schema simpler",
        tooCostly: true,
      });
    }
    expect(await set.payload("tool", jsonText({ no: 1 }))).toEqual({ kind: "valid" });
    // One for registrations, one that compiles, and one that judges, which was lost twice.
    expect(cache.counters.workers).toBe(5);
  });

  test("says of a large record what it is, as often as it is asked and however busy the machine is", async () => {
    start({ validateCpuMs: 1_000 }); // as it is unless said
    const record = {
      rows: Array.from({ length: 8_000 }, (_, id) => ({ id, name: `row ${id}`, note: "x".repeat(64) })),
    };
    const row: JsonSchema = {
      type: "object",
      properties: {
        id: { type: "integer" },
        name: { type: "string", pattern: "^row [0-9]+$" },
        note: { type: "string" },
      },
      required: ["id", "name", "note"],
      additionalProperties: false,
    };
    const sealed = sealTools({ tool: { payload: { properties: { rows: { items: row, uniqueItems: true } } } } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    const [good, bad] = [jsonText(record), jsonText({ rows: [...record.rows, record.rows[0] ?? null] })];
    expect(good.bytes.length).toBeGreaterThan(800_000);
    const spinning = Array.from({ length: 4 }, () => new Worker("for (;;);", { eval: true }));
    try {
      const verdicts = [];
      for (const text of [good, bad, good, bad, good]) verdicts.push((await set.payload("tool", text)).kind);
      expect(verdicts).toEqual(["valid", "invalid", "valid", "invalid", "valid"]);
    } finally {
      await Promise.all(spinning.map((worker) => worker.terminate()));
    }
    expect(cache.counters.workers).toBe(1);
  });

  test("does not let a toolset's heavy values keep its neighbour waiting", async () => {
    start({ workers: 2 });
    const heavy = sealTools({ tool: { payload: DOUBLES_WITH_DEPTH } });
    const light = sealTools({ tool: { payload: wideSchema(400) } }, "neighbour");
    const ended: string[] = [];
    const judge = async (name: string, sealed: SealedContract, value: Json) => {
      await cache.forContract(sealed.digest, sealed.contract).payload("tool", jsonText(value));
      ended.push(name);
    };
    // Each of these takes more work than all that the neighbour asks for.
    const jobs = Array.from({ length: 4 }, () => judge("heavy", heavy, nested(18)));
    await judge("light", light, { p1: "a" });
    await judge("light", light, { p2: "a" });
    expect(ended.filter((name) => name === "heavy").length).toBeLessThan(4);
    await Promise.all(jobs);
  });

  test("keeps neither others' schemas nor others' large values waiting for many hostile ones", async () => {
    start({ workers: 3, validateCpuMs: 200 });
    const many = Array.from({ length: 8 }, (_, index) =>
      sealTools({ tool: { payload: { title: `${index}`, ...Object(DOUBLES_WITH_DEPTH) } } }, `hostile-${index}`),
    );
    const light = sealTools({ tool: { payload: wideSchema(400) } }, "neighbour");
    const rows = sealTools({ tool: { payload: { items: { properties: { a: { type: "string" } } } } } }, "rows");
    const large = jsonText(Array.from({ length: 40_000 }, () => ({ a: "x" })));
    const judge = async (sealed: SealedContract, text: JsonText, client: string, signal?: AbortSignal) =>
      (await cache.forContract(sealed.digest, sealed.contract).payload("tool", text, () => ({ client, signal }))).kind;
    await judge(light, jsonText({ p1: "a" }), "good");
    const hostile = new AbortController();
    setMaxListeners(0, hostile.signal);
    let ended = 0;
    const ends = many
      .flatMap((sealed) => [sealed, sealed, sealed])
      .map((sealed) => judge(sealed, jsonText(nested(60)), "hostile", hostile.signal).finally(() => ended++));
    const kinds = [];
    for (let time = 0; time < 5; time++) {
      kinds.push(await judge(light, jsonText({ p2: "a" }), "good"), await judge(rows, large, "good"));
    }
    expect(new Set(kinds)).toEqual(new Set(["valid"]));
    expect(ended).toBeLessThan(many.length);
    // Once it is known what they are, they cost no neighbour a compilation.
    const { schemas } = cache.counters;
    await until("some more were given up", () => ended >= 4, { withinMs: 50_000 });
    await judge(light, jsonText({ p3: "a" }), "good");
    expect(cache.counters.schemas - schemas).toBeLessThanOrEqual(ended);
    // And when their caller leaves, nothing goes on.
    const { pooled } = cache.counters;
    hostile.abort();
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["inconclusive"]));
    expect(await judge(many[0] ?? light, jsonText({ no: 1 }), "good")).toBe("valid");
    expect(cache.counters.pooled - pooled).toBeLessThanOrEqual(2);
  });

  test("compiles nothing anew for a neighbour of a schema that costs one worker after the other", async () => {
    start({ workers: 3, validateCpuMs: 200 });
    const hostile = sealTools({ tool: { payload: DOUBLES_WITH_DEPTH } });
    const light = sealTools({ tool: { payload: wideSchema(400) } }, "neighbour");
    const judge = (sealed: SealedContract, value: Json, client: string) =>
      cache.forContract(sealed.digest, sealed.contract).payload("tool", jsonText(value), () => ({ client }));
    await judge(hostile, nested(60), "hostile");
    await judge(light, { p1: "a" }, "good");
    const { schemas } = cache.counters;
    for (let time = 1; time <= 3; time++) {
      expect(await judge(hostile, nested(60), "hostile")).toMatchObject({ kind: "inconclusive" });
      expect(await judge(light, { p1: "a" }, "good")).toEqual({ kind: "valid" });
      expect(cache.counters.schemas - schemas, "the hostile one's own").toBe(time);
    }
  });
});
