import { setMaxListeners } from "node:events";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonSchema, SealedContract } from "../../src/contract/contract.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Json } from "../../src/json/json.js";
import { ValidatorCache, type ValidatorCacheOptions } from "../../src/schemas/validator-cache.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { doubledReferences, SLOW_TO_COMPILE, wideSchema } from "./hostile-schemas.js";
import { jsonText } from "./json-text.js";
import { sealTools } from "./seal.js";

expectNoLeaks();

/** No limit of work is at stake in most tests. */
const PATIENT: ValidatorCacheOptions = {
  maxContracts: 10,
  validateCpuMs: 30_000,
  compileCpuMs: 60_000,
  contractCpuMs: 120_000,
};

let cache: ValidatorCache;

beforeEach(() => {
  cache = new ValidatorCache(PATIENT);
});
afterEach(() => cache.stop());

async function replace(options: Partial<ValidatorCacheOptions>): Promise<void> {
  await cache.stop();
  cache = new ValidatorCache({ ...PATIENT, ...options });
}

async function refusal(promise: Promise<unknown>): Promise<ToolgateError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ToolgateError)) throw new Error(`It was not refused: ${error}`);
  return error;
}

/** Admits a schema as a payload's, and returns what judges by it. */
async function admitted(payload: JsonSchema): Promise<(value: Json) => Promise<string>> {
  const sealed = sealTools({ tool: { payload } });
  await cache.admit(sealed);
  return async (value) =>
    (await cache.forContract(sealed.digest, sealed.contract).payload("tool", jsonText(value))).kind;
}

describe("admission", () => {
  test("takes sound schemas, with warnings by tool and place", async () => {
    const sealed = sealTools({
      sum: { payload: { properties: { a: { type: "number", minimun: 0 } } }, result: { "x-of": 1, minimun: 0 } },
      plain: { payload: true },
    });
    expect(await cache.admit(sealed)).toEqual({
      warnings: [
        {
          tool: "sum",
          path: "/payload_schema/properties/a/minimun",
          message: "is not a keyword of draft 2020-12, so it checks nothing; did you mean minimum?",
        },
        {
          tool: "sum",
          path: "/result_schema/minimun",
          message: "is not a keyword of draft 2020-12, so it checks nothing; did you mean minimum?",
        },
      ],
    });
  });

  test("tells every fault by tool, place and reason", async () => {
    const error = await refusal(
      cache.admit(
        sealTools({
          "a/b": { payload: { type: "nope", $ref: "http://example.com" }, result: { pattern: "(?=x" } },
          fine: { payload: {} },
          other: { payload: { $schema: "http://json-schema.org/draft-03/schema#" } },
        }),
      ),
    );
    expect(error.reason).toBe("INVALID_SCHEMA");
    expect(error.violations.map(({ field }) => field)).toEqual([
      "/tools/a~1b/payload_schema/$ref",
      "/tools/a~1b/payload_schema/type",
      "/tools/a~1b/result_schema/pattern",
      "/tools/other/payload_schema/$schema",
    ]);
    expect(error.message).toMatch(/^the schemas of "tools" have 4 faults: .*; and 1 more$/);
    expect(cache.counters).toMatchObject({ compiled: 0, workers: 1 });
  });

  test("carries eight faults, and counts all in the message", async () => {
    const bad = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`t${index}`, { payload: { type: "nope" } }]),
    );
    const error = await refusal(cache.admit(sealTools(bad)));
    expect(error.violations).toHaveLength(8);
    expect(error.message).toContain("20 faults");
    expect(error.message.length).toBeLessThan(1_024);
  });

  test("bounds warnings, and counts all", async () => {
    const payload = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`unknown${index}`, 1]));
    const { warnings } = await cache.admit(sealTools({ tool: { payload } }));
    expect(warnings).toHaveLength(64);
    expect(warnings.at(-1)?.message).toContain("and 36 more warnings");
  });

  test("inspects a digest once, for requests at the same time and later ones", async () => {
    const sealed = sealTools({ tool: { payload: { x: 1 } } });
    const [first, second] = await Promise.all([cache.admit(sealed), cache.admit(sealed)]);
    expect(await cache.admit(sealed)).toEqual(first);
    expect(second).toEqual(first);
    expect(cache.counters).toMatchObject({ admitted: 1, compiled: 1 });
  });

  test("keeps no more contracts with what is usable of them than memory should hold", async () => {
    await replace({ maxContracts: 100 });
    const large = (index: number): SealedContract => {
      const { contract } = sealTools({ tool: { payload: true } }, `large-${index}`);
      return sealContract({ ...contract, description: "x".repeat(4_000_000) });
    };
    for (let index = 0; index < 20; index++) await cache.admitUsable(large(index));
    await cache.admitUsable(large(19));
    expect(cache.counters.admitted).toBe(20);
    await cache.admitUsable(large(0));
    expect(cache.counters.admitted).toBe(21);
  });

  test("inspects a refused digest again", async () => {
    const sealed = sealTools({ tool: { payload: { type: "nope" } } });
    const errors = await Promise.all([refusal(cache.admit(sealed)), refusal(cache.admit(sealed))]);
    expect(errors[0]).toBe(errors[1]);
    await refusal(cache.admit(sealed));
    expect(cache.counters.admitted).toBe(2);
  });

  test("refuses the bomb that kills a process, at the policy", async () => {
    const error = await refusal(cache.admit(sealTools({ bomb: { payload: doubledReferences(24) } })));
    expect(error.violations).toMatchObject([{ description: expect.stringContaining("at most 10000 ways") }]);
    expect(cache.counters.workers).toBe(1);
  });

  test("takes schemas as large as it is told, and not larger", async () => {
    await replace({ maxSchemaBytes: 400_000 });
    const sealed = sealTools({ fits: { payload: { description: "x".repeat(300_000) } } });
    expect(await cache.admit(sealed)).toEqual({ warnings: [] });
    expect(await cache.forContract(sealed.digest, sealed.contract).payload("fits", jsonText(1))).toEqual({
      kind: "valid",
    });
    const error = await refusal(cache.admit(sealTools({ large: { payload: { description: "x".repeat(400_000) } } })));
    expect(error.violations).toEqual([
      { field: "/tools/large/payload_schema", description: "must be at most 400000 bytes long" },
    ]);
  });

  test("refuses asynchronous schemas, which would let everything through", async () => {
    expect(
      (await refusal(cache.admit(sealTools({ tool: { payload: { $async: true, type: "string" } } })))).reason,
    ).toBe("INVALID_SCHEMA");
  });

  test("ends a compilation that takes too long, and looks at the others still", async () => {
    await replace({ compileCpuMs: 500 });
    const sealed = sealTools({
      a: { payload: { type: "nope" } },
      b: { payload: SLOW_TO_COMPILE },
      c: { payload: { type: "nope" } },
    });
    const error = await refusal(cache.admit(sealed));
    expect(error.violations.map(({ field, description }) => `${field} ${description}`)).toEqual([
      "/tools/a/payload_schema/type must be one of array, boolean, integer, null, number, object, string",
      expect.stringMatching(/^\/tools\/b\/payload_schema takes too (long|much memory) to compile/),
      "/tools/c/payload_schema/type must be one of array, boolean, integer, null, number, object, string",
    ]);
    expect(cache.counters.workers).toBe(2);
  });

  test("gives up on a contract that breaks one worker after another, or takes too long altogether", async () => {
    await replace({ compileCpuMs: 300 });
    const many = Object.fromEntries(
      Array.from({ length: 5 }, (_, index) => [`t${index}`, { payload: SLOW_TO_COMPILE }]),
    );
    const error = await refusal(cache.admit(sealTools(many)));
    expect(error.violations.map(({ description }) => description.includes("was not checked"))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    await replace({ contractCpuMs: 0 });
    const late = await refusal(cache.admit(sealTools({ tool: { payload: {} } })));
    expect(late.violations).toMatchObject([{ description: expect.stringContaining("was not checked") }]);
  });
});

describe("registrations share the workers", () => {
  const slow = (title: string): JsonSchema => ({ title, ...Object(SLOW_TO_COMPILE) });

  test("an honest one does not wait for many slow ones, which end when their callers leave", async () => {
    const callers = new AbortController();
    setMaxListeners(0, callers.signal);
    let ended = 0;
    const requester = { client: "hostile", signal: callers.signal };
    const many = Array.from({ length: 20 }, (_, index) =>
      cache
        .admit(sealTools({ tool: { payload: slow(`${index}`) } }, `slow-${index}`), requester)
        .catch((error: unknown) => error)
        .finally(() => ended++),
    );
    const honest = await cache.admit(sealTools({ tool: { payload: {} } }, "honest"), { client: "good" });
    expect(honest.warnings).toEqual([]);
    expect(ended).toBeLessThan(3);
    const left = new Error("the caller has left");
    callers.abort(left);
    expect((await Promise.all(many)).filter((end) => end === left).length).toBeGreaterThan(16);
    const { jobs } = cache.counters.admission;
    expect((await cache.admit(sealTools({ tool: { payload: {} } }, "later"))).warnings).toEqual([]);
    expect(cache.counters.admission).toMatchObject({ jobs: jobs + 1, waiting: 0 });
  });

  test("one that was left goes on where it was, and those who wait for the same one do not end with others", async () => {
    const sealed = sealTools({
      a: { payload: true },
      b: { payload: wideSchema(900) },
      c: { payload: wideSchema(901) },
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [first, second].map(({ signal }) => cache.admit(sealed, { client: "a", signal }));
    await until("the first schema was looked at", () => cache.counters.admission.jobs > 1, { everyMs: 1 });
    const left = new Error("left");
    first.abort(left);
    await expect(asked[0]).rejects.toBe(left);
    const stays = cache.admit(sealed);
    second.abort(left);
    await expect(asked[1]).rejects.toBe(left);
    await expect(stays).resolves.toEqual({ warnings: [] });
    expect(cache.counters.admission.jobs).toBe(3);
    await replace({});
    const gone = new AbortController();
    const alone = cache.admit(sealed, { client: "a", signal: gone.signal });
    await until("the first schema was looked at", () => cache.counters.admission.jobs > 1, { everyMs: 1 });
    gone.abort(left);
    await expect(alone).rejects.toBe(left);
    await until("it has ended", () => cache.counters.admission.running === 0);
    const { jobs } = cache.counters.admission;
    expect(await cache.admit(sealed)).toEqual({ warnings: [] });
    expect(cache.counters.admission.jobs - jobs).toBeLessThan(3);
    expect(cache.counters.admitted).toBe(1);
  });
});

describe("admitting what can be used", () => {
  const FAULTY = {
    a: { payload: { type: "string" } },
    b: { payload: { type: "strnig" }, result: { type: "nope" } },
    c: { payload: {}, result: { exclusiveMinimum: true } },
    d: { payload: { typ: "string" }, result: { type: "string" } },
    e: { payload: { $ref: "#/nowhere" }, result: { unknown: 1 } },
  } as const;

  test("leaves out a tool for its payload schema, a result schema for itself, and names both", async () => {
    const { sealed, skipped, warnings } = await cache.admitUsable(sealTools(FAULTY));
    const rest = { a: FAULTY.a, c: { payload: {} }, d: FAULTY.d };
    expect(sealed).toEqual(sealTools(rest));
    expect(skipped).toMatchObject([
      {
        tool: "b",
        resultSchemaOnly: false,
        violations: [{ field: "/tools/b/payload_schema/type" }, { field: "/tools/b/result_schema/type" }],
      },
      { tool: "c", resultSchemaOnly: true, violations: [{ field: "/tools/c/result_schema/exclusiveMinimum" }] },
      { tool: "e", resultSchemaOnly: false, violations: [{ field: "/tools/e/payload_schema/$ref" }] },
    ]);
    expect(warnings.map(({ tool }) => tool)).toEqual(["d"]);
    const { compiled } = cache.counters;
    const set = cache.forContract(sealed.digest, sealed.contract);
    expect(cache.counters.compiled).toBe(compiled);
    expect(set.result("c", jsonText("anything"))).toEqual({ kind: "valid" });
  });

  test("gives all who ask for the same contract the same, after one look", async () => {
    const asked = await Promise.all(Array.from({ length: 5 }, () => cache.admitUsable(sealTools(FAULTY))));
    expect(new Set(asked.map(({ sealed }) => sealed.digest)).size).toBe(1);
    expect(await cache.admitUsable(sealTools(FAULTY))).toEqual(asked[0]);
    expect(cache.counters.admitted).toBe(1);
  });

  test("leaves nothing out of a sound contract", async () => {
    const sealed = sealTools({ a: FAULTY.a });
    expect(await cache.admitUsable(sealed)).toEqual({ sealed, warnings: [], skipped: [] });
  });

  test("is refused as without it when no tool is left", async () => {
    const sealed = sealTools({ b: FAULTY.b, e: FAULTY.e });
    const [error, strict] = [await refusal(cache.admitUsable(sealed)), await refusal(cache.admit(sealed))];
    expect(error).toMatchObject({ reason: "INVALID_SCHEMA", message: strict.message, violations: strict.violations });
  });

  test("refuses the whole where no verdict can be had, so that nodes never leave out different parts", async () => {
    await replace({ compileCpuMs: 300 });
    const sealed = sealTools({ a: FAULTY.a, b: FAULTY.b, hard: { payload: SLOW_TO_COMPILE } });
    const error = await refusal(cache.admitUsable(sealed));
    expect(error).toMatchObject({ reason: "LIMIT_EXCEEDED", executed: "no", retryAfterMs: expect.any(Number) });
    expect(error.message).toContain("/tools/hard/payload_schema");
    await replace({ contractCpuMs: 0 });
    expect((await refusal(cache.admitUsable(sealTools(FAULTY)))).reason).toBe("LIMIT_EXCEEDED");
  });
});

describe("the cache", () => {
  const contracts = Array.from({ length: 4 }, (_, index) => sealTools({ tool: { payload: { minimum: index } } }));

  test("makes one set per digest, and compiles a schema once, when its first value comes", async () => {
    const [sealed] = contracts;
    if (sealed === undefined) throw new Error("There are four.");
    const sets = Array.from({ length: 5 }, () => cache.forContract(sealed.digest, sealed.contract));
    expect(new Set(sets).size).toBe(1);
    expect(cache.counters).toMatchObject({ compiled: 1, hits: 4, schemas: 0 });
    const verdicts = await Promise.all(sets.map((set) => set.payload("tool", jsonText(1))));
    expect(verdicts).toEqual(sets.map(() => ({ kind: "valid" })));
    // A worker has compiled it, once; from then on there is no need of one.
    for (const set of sets) expect(set.payload("tool", jsonText(1))).toEqual({ kind: "valid" });
    expect(cache.counters).toMatchObject({ compiled: 1, schemas: 1, pooled: 1, workers: 1 });
  });

  test("has the set of an admitted contract ready", async () => {
    const [sealed] = contracts;
    if (sealed === undefined) throw new Error("There are four.");
    await cache.admit(sealed);
    cache.forContract(sealed.digest, sealed.contract);
    expect(cache.counters).toMatchObject({ compiled: 1, hits: 1 });
  });

  test("forgets what was used least recently", async () => {
    await replace({ maxContracts: 2 });
    const ask = (index: number) => {
      const sealed = contracts[index];
      if (sealed !== undefined) cache.forContract(sealed.digest, sealed.contract);
    };
    for (const index of [0, 1, 0, 2, 0, 1]) ask(index);
    expect(cache.counters).toMatchObject({ compiled: 4, hits: 2, evicted: 2 });
  });

  test("counts schemas too", async () => {
    await replace({ maxSchemas: 5 });
    for (let index = 0; index < 3; index++) {
      const sealed = sealTools({ a: { payload: { minimum: index }, result: {} }, b: { payload: {} } });
      cache.forContract(sealed.digest, sealed.contract);
    }
    expect(cache.counters).toMatchObject({ compiled: 3, evicted: 2 });
  });
});

describe("judging", () => {
  test("tells payloads from results, and tools from each other", async () => {
    const sealed = sealTools({
      a: { payload: { type: "string" }, result: { type: "number" } },
      b: { payload: { type: "null" } },
    });
    const set = cache.forContract(sealed.digest, sealed.contract);
    const verdicts = [
      set.payload("a", jsonText("x")),
      set.payload("a", jsonText(1)),
      set.result("a", jsonText(1)),
      set.payload("b", jsonText(null)),
      set.result("b", jsonText("anything")),
    ];
    expect(await Promise.all(verdicts)).toMatchObject([
      { kind: "valid" },
      { kind: "invalid" },
      { kind: "valid" },
      { kind: "valid" },
      { kind: "valid" },
    ]);
    expect(() => set.payload("toString", jsonText({}))).toThrow(expect.objectContaining({ reason: "UNKNOWN_TOOL" }));
    expect(() => set.result("c", jsonText({}))).toThrow(expect.objectContaining({ reason: "UNKNOWN_TOOL" }));
  });

  test("keeps tools of one contract from each other's $id", async () => {
    const sealed = sealTools({
      owner: { payload: { $id: "https://example.com/s", type: "string" } },
      squatter: { payload: { $id: "https://example.com/s", type: "number" } },
    });
    await cache.admit(sealed);
    const set = cache.forContract(sealed.digest, sealed.contract);
    const verdicts = [
      set.payload("owner", jsonText("a")),
      set.payload("squatter", jsonText(1)),
      set.payload("owner", jsonText(1)),
    ];
    expect(await Promise.all(verdicts)).toMatchObject([{ kind: "valid" }, { kind: "valid" }, { kind: "invalid" }]);
    const thief = sealTools({
      owner: { payload: { $id: "https://example.com/s" } },
      thief: { payload: { $ref: "https://example.com/s" } },
    });
    expect((await refusal(cache.admit(thief))).violations).toMatchObject([
      { field: "/tools/thief/payload_schema/$ref" },
    ]);
  });

  test("answers at once where schema and value are small, and the schema has been used before", async () => {
    const sealed = sealTools({ tool: { payload: { properties: { a: { pattern: "^(a+)+$" } } } } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    expect(await set.payload("tool", jsonText({ a: "a" }))).toEqual({ kind: "valid" });
    const { pooled } = cache.counters;
    expect(set.payload("tool", jsonText({ a: `${"a".repeat(28)}!` }))).toMatchObject({
      kind: "invalid",
      violations: [{ field: "/a" }],
    });
    expect(cache.counters.pooled).toBe(pooled);
  });

  test("leaves costly schemas to the worker, with all their violations", async () => {
    const sealed = sealTools({ tool: { payload: wideSchema(1_000) } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    expect(await set.payload("tool", jsonText({ p1: "a" }))).toEqual({ kind: "valid" });
    expect(await set.payload("tool", jsonText({ p1: "", p999: 1 }))).toEqual({
      kind: "invalid",
      violations: [
        { field: "/p1", description: "must have at least 1 character" },
        { field: "/p999", description: "must be of type string" },
      ],
    });
    expect(cache.counters).toMatchObject({ schemas: 1, workers: 1 });
    expect(cache.counters.pooled).toBe(3); // it was compiled first
  });

  test("does not even compile on the event loop: what Ajv makes of a schema comes from a worker, where it is not too long", async () => {
    const sealed = sealTools({
      short: { payload: { description: "x".repeat(32_000) } },
      long: { payload: { description: "x".repeat(200_000) } },
    });
    const set = cache.forContract(sealed.digest, sealed.contract);
    for (const tool of ["short", "long"]) {
      const first = set.payload(tool, jsonText(1));
      expect(first).toBeInstanceOf(Promise);
      expect(await first).toEqual({ kind: "valid" });
    }
    expect(set.payload("short", jsonText(1))).toEqual({ kind: "valid" });
    expect(set.payload("long", jsonText(1))).toBeInstanceOf(Promise);
    expect(await set.payload("long", jsonText(1))).toEqual({ kind: "valid" });
  });

  test("compiles once for all values that come before that is done, as many as may wait", async () => {
    await replace({ maxWaitingPerShare: 1 });
    const sealed = sealTools({ tool: { payload: { type: "number" } } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    const verdicts = await Promise.all(Array.from({ length: 1_030 }, () => set.payload("tool", jsonText(1))));
    expect(verdicts.filter(({ kind }) => kind === "valid")).toHaveLength(1_024);
    expect(verdicts.slice(1_024)).toEqual(
      Array.from({ length: 6 }, () => ({ kind: "inconclusive", why: "too much waits to be checked" })),
    );
    expect(cache.counters).toMatchObject({ schemas: 1, pooled: 1 });
  });

  test("tells a value that waits for its schema that its time is over", async () => {
    const sealed = sealTools({ tool: { payload: { type: "number" } } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    const [late, longer, patient] = [
      set.payload("tool", jsonText(1), () => ({ client: "peer", withinMs: 0 })),
      set.payload("tool", jsonText(1), () => ({ client: "peer", withinMs: 2 ** 32 - 1 })), // no timer is that long
      set.payload("tool", jsonText(1)),
    ];
    expect(await late).toEqual({ kind: "inconclusive", why: "there was no time left to check it" });
    expect(await Promise.all([longer, patient])).toEqual([{ kind: "valid" }, { kind: "valid" }]);
  });

  test.each<[string, JsonSchema, Json]>([
    [
      "many values under many alternatives",
      { items: { anyOf: Array.from({ length: 60 }, (_, index) => ({ const: index })) } },
      Array.from({ length: 20_000 }, () => 1),
    ],
    ["a long text under a pattern", { pattern: "^([a-z]{1,20}-)*x$" }, "abc-".repeat(20_000)],
    [
      "a large array without two equal items",
      { uniqueItems: true },
      Array.from({ length: 20_000 }, (_, id) => ({ id })),
    ],
    [
      "a long enum for many values",
      { items: { enum: Array.from({ length: 2_000 }, (_, index) => `v${index}`) } },
      Array.from({ length: 5_000 }, () => "v1999"),
    ],
  ])("leaves a heavy value of a cheap schema to the worker: %s", async (_what, payload, heavy) => {
    const sealed = sealTools({ tool: { payload } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    const light = jsonText(Array.isArray(heavy) ? heavy.slice(0, 1) : "a-x");
    await set.payload("tool", light);
    expect(set.payload("tool", light)).not.toBeInstanceOf(Promise);
    const { pooled } = cache.counters;
    const judged = set.payload("tool", jsonText(heavy));
    expect(judged).toBeInstanceOf(Promise);
    await judged;
    expect(cache.counters.pooled).toBeGreaterThan(pooled);
  });

  test("has no verdict for what finds no room to wait, or is too late", async () => {
    await replace({ workers: 1, maxWaitingPerShare: 1 });
    const sealed = sealTools({ tool: { payload: wideSchema(400) } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    await set.payload("tool", jsonText({})); // it is compiled
    await new Promise((resolve) => setImmediate(resolve)); // and its worker is free again
    const asked = Array.from({ length: 3 }, () => set.payload("tool", jsonText({})));
    expect(await Promise.all(asked)).toEqual([
      { kind: "valid" },
      { kind: "valid" },
      { kind: "inconclusive", why: "too much waits to be checked" },
    ]);
    expect(await set.payload("tool", jsonText({}), () => ({ client: "peer", withinMs: 0 }))).toEqual({
      kind: "inconclusive",
      why: "there was no time left to check it",
    });
  });

  test("has no verdict by what does not pass this node's policy", async () => {
    const sealed = sealTools({
      a: { payload: { $async: true } },
      b: { payload: { ...(wideSchema(500) as object), type: "nope" } },
      c: { payload: {} },
    });
    const set = cache.forContract(sealed.digest, sealed.contract);
    expect(await set.payload("a", jsonText({}))).toEqual({
      kind: "inconclusive",
      why: expect.stringMatching("^this node cannot use /tools/a/payload_schema/\\$async, which is not allowed"),
    });
    for (let time = 0; time < 2; time++) {
      expect(await set.payload("b", jsonText({}))).toEqual({
        kind: "inconclusive",
        why: expect.stringMatching("^this node cannot use /tools/b/payload_schema/type, which must be"),
      });
    }
    expect(cache.counters.pooled).toBe(2); // each was looked at once
    expect(await set.payload("c", jsonText({}))).toEqual({ kind: "valid" });
  });

  test("has no verdict when stopped", async () => {
    const sealed = sealTools({ tool: { payload: wideSchema(500) } });
    const set = cache.forContract(sealed.digest, sealed.contract);
    await cache.stop();
    await cache.stop();
    expect(await set.payload("tool", jsonText({}))).toEqual({ kind: "inconclusive", why: "the node is stopping" });
    await expect(cache.admit(sealed)).rejects.toMatchObject({ reason: "NODE_DRAINING" });
  });

  test.each<[string, JsonSchema, Json]>([
    ["required", { required: ["toString"] }, {}],
    [
      "unevaluatedProperties",
      { allOf: [{ properties: { a: {} } }], anyOf: [{ properties: { b: {} } }], unevaluatedProperties: false },
      { constructor: 1 },
    ],
  ])("is not fooled by what objects inherit: %s", async (_what, schema, value) => {
    expect(await (await admitted(schema))(value)).toBe("invalid");
  });
});

describe("schemas of a real MCP server", () => {
  test("are admitted without a warning, cheap, and judge its own kind of arguments", async () => {
    // The package has no types; its factory returns an McpServer and what cleans up after it.
    const path = "@modelcontextprotocol/server-everything/dist/server/index.js";
    const { createServer } = (await import(path)) as {
      createServer(): {
        server: { connect(transport: unknown): Promise<void>; close(): Promise<void> };
        cleanup(): void;
      };
    };
    const { server, cleanup } = createServer();
    const client = new Client({ name: "test", version: "1.0.0" });
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(serverSide), client.connect(clientSide)]);
    const { tools } = await client.listTools();
    await client.close();
    cleanup();
    await server.close();

    expect(tools.length).toBeGreaterThan(8);
    const sealed = sealTools(
      Object.fromEntries(
        tools.map(({ name, inputSchema, outputSchema }) => [
          name,
          // JSON came in, so JSON it is.
          {
            payload: inputSchema as JsonSchema,
            ...(outputSchema === undefined ? {} : { result: outputSchema as JsonSchema }),
          },
        ]),
      ),
    );
    expect(await cache.admit(sealed)).toEqual({ warnings: [] });
    const set = cache.forContract(sealed.digest, sealed.contract);
    for (const { name } of tools) await Promise.all([set.payload(name, jsonText([])), set.result(name, jsonText({}))]);
    const { pooled } = cache.counters;
    for (const { name } of tools) {
      expect(set.payload(name, jsonText([])), name).toMatchObject({ kind: "invalid" });
      expect(set.result(name, jsonText({})), name).not.toBeInstanceOf(Promise);
    }
    expect(set.payload("get-sum", jsonText({ a: 1, b: 2 }))).toEqual({ kind: "valid" });
    expect(set.payload("get-sum", jsonText({ a: 1, b: "2" }))).toEqual({
      kind: "invalid",
      violations: [{ field: "/b", description: "must be of type number" }],
    });
    expect(cache.counters.pooled).toBe(pooled);
  });
});
