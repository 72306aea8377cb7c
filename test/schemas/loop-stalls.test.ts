import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runInSlices } from "../../src/async/steps.js";
import type { JsonSchema, SealedContract } from "../../src/contract/contract.js";
import type { Draft } from "../../src/contract/draft.js";
import { parseContractSteps } from "../../src/contract/parse-contract.js";
import { sealContract, sealContractSteps } from "../../src/contract/seal-contract.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Json } from "../../src/json/json.js";
import type { JsonText } from "../../src/json/read-json.js";
import { sampleValue } from "../../src/schemas/sample-values.js";
import { schemaGraph } from "../../src/schemas/schema-graph.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { LIMITS, wireContract, wireTool } from "../contract/wire-contract.js";
import { expectNoLeaks } from "../support/leaks.js";
import { DOUBLES_WITH_DEPTH, doubledReferences, nested, wideSchema } from "./hostile-schemas.js";
import { jsonText } from "./json-text.js";
import { LoopCpu, tellsLoopCpu } from "./loop-cpu.js";
import { type Random, randomSchema, seeded } from "./random-schema.js";
import { sealTools } from "./seal.js";

expectNoLeaks();

/** The most that one turn of the loop may take, in milliseconds of its thread's CPU time. */
const MAX_TURN_MS = 50;
/** More of them, and others, are tried by hand: `TOOLGATE_FUZZ_SCHEMAS=2000 TOOLGATE_FUZZ_SEED=7 npx vitest run …`. */
// biome-ignore lint/style/noProcessEnv: a run by hand says how much it tries
const SCHEMAS = Number(process.env.TOOLGATE_FUZZ_SCHEMAS ?? 40);
// biome-ignore lint/style/noProcessEnv: as above
const FIRST_SEED = Number(process.env.TOOLGATE_FUZZ_SEED ?? 0);

let cache: ValidatorCache;
beforeAll(() => {
  cache = new ValidatorCache({ maxContracts: 10_000, compileCpuMs: 2_000, validateCpuMs: 300 });
});
afterAll(() => cache.stop());

interface Outcome {
  /** The longest turn of the loop, in milliseconds of CPU time. */
  readonly turnMs: number;
  readonly isAdmitted: boolean;
  /** Whether any value was judged without a worker. */
  readonly isInline: boolean;
}

/** Registers a schema, and judges values by it, each several times: the first ones find nothing compiled. */
async function judgeAll(schema: JsonSchema, texts: readonly JsonText[], assertFormats: boolean): Promise<Outcome> {
  const { contract } = sealTools({ tool: { payload: schema } });
  const sealed: SealedContract = sealContract({ ...contract, ...(assertFormats ? { assertFormats } : {}) });
  let isAdmitted = true;
  let isInline = false;
  const turnMs = await new LoopCpu().longestTurnMs(async () => {
    await cache.admit(sealed).catch((error: unknown) => {
      if (!(error instanceof ToolgateError)) throw error;
      isAdmitted = false;
    });
    // What another node admitted is judged too, and is to do no harm here.
    const set = cache.forContract(sealed.digest, sealed.contract);
    for (let round = 0; round < 2; round++) {
      for (const text of texts) {
        const verdict = set.payload("tool", text);
        if (!(verdict instanceof Promise)) isInline = true;
        await verdict;
        // Each verdict in a turn of its own, as each call comes in one.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });
  return { turnMs, isAdmitted, isInline };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `p${index}`);
const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const list = (length: number, item: Json): Json => Array.from({ length }, () => item);

/** Arrays in arrays, each with items of its own. */
function arrays(depth: number, width: number): Json {
  return depth === 0 ? names(width) : [arrays(depth - 1, width), ...names(10)];
}

describe.runIf(tellsLoopCpu)("no turn of the event loop is long", () => {
  test.each<[string, JsonSchema, readonly Json[]]>([
    ["1,800 dependent names", { dependentRequired: { a: names(1_800) } }, [{ b: 1 }, { a: 1 }]],
    ["1,800 in draft-07", { $schema: DRAFT_07, dependencies: { a: names(1_800), b: false } }, [{ a: 1 }, { b: 1 }]],
    ["dependent names of items", { items: { dependentRequired: { a: names(500) } } }, [list(1_000, { a: 1 })]],
    ["a thousand that never fit", { oneOf: list(1_000, false) } as JsonSchema, [1]],
    ["hundreds for each item", { items: { oneOf: [...names(700).map(() => false), true] } }, [list(1_000, 1)]],
    [
      "copies of a Unicode pattern",
      { properties: Object.fromEntries(names(300).map((name) => [name, { pattern: "^\\p{L}+$" }])) },
      [{ p1: "a" }, { p1: "1" }],
    ],
    ["many names for each item", { items: { required: names(400) } }, [list(3_000, {})]],
    [
      "different items in all of many arrays",
      { $ref: "#/$defs/n", $defs: { n: { uniqueItems: true, items: { $ref: "#/$defs/n" } } } },
      [arrays(40, 1_000), arrays(58, 3_000)],
    ],
    ["items that all are invalid", { items: { type: "string", enum: names(19) } }, [list(5_000, 1), list(100_000, 1)]],
    [
      "properties that all are invalid",
      { additionalProperties: false },
      [Object.fromEntries(names(5_000).map((n) => [n, 1]))],
    ],
    ["wide objects", wideSchema(1_000), [{ p1: "", p999: 1 }]],
    ["objects that are nearly too wide", wideSchema(140), [Object.fromEntries(names(140).map((name) => [name, 1]))]],
    ["what doubles", doubledReferences(8), ["a", 1]],
    ["what doubles with depth", DOUBLES_WITH_DEPTH, [nested(16)]],
    ["faults without number", { allOf: list(6_000, 1) } as JsonSchema, [1]],
    ["keywords without number", Object.fromEntries(names(20_000).map((name) => [`x${name}`, 1])), [1]],
    ["long values", { items: { maxLength: 3, minLength: 1, pattern: "^a*$" } }, [["a".repeat(500_000)]]],
  ])("for %s", async (_what, schema, values) => {
    const { turnMs } = await judgeAll(schema, values.map(jsonText), false);
    expect(turnMs).toBeLessThan(MAX_TURN_MS);
  });

  test("for a contract as large as may be, read and sealed", async () => {
    const properties = Object.fromEntries(names(700).map((name) => [name, { type: "string", enum: ["a", "b"] }]));
    const payloadSchemaJson = Buffer.from(JSON.stringify({ properties }));
    const wire = wireContract({ tools: names(118).map((name) => wireTool(name, { payloadSchemaJson })) });
    let length = 0;
    const turnMs = await new LoopCpu().longestTurnMs(async () => {
      const contract = await runInSlices(parseContractSteps(wire, LIMITS));
      length = (await runInSlices(sealContractSteps(contract))).canonicalJson.length;
    });
    expect(length).toBeGreaterThan(3_000_000);
    expect(turnMs).toBeLessThan(MAX_TURN_MS);
  });

  test("for a format and a long text, whatever they are", async () => {
    const texts = ["http://a", "1", "a@a.", "{a"].map((unit) =>
      jsonText(["http://", unit.repeat(60_000 / unit.length)]),
    );
    const { turnMs } = await judgeAll({ items: { anyOf: [{ format: "url" }, { format: "email" }] } }, texts, true);
    expect(turnMs).toBeLessThan(MAX_TURN_MS);
  });

  test("for schemas of all keywords, made at random", async () => {
    let admitted = 0;
    let inline = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEMAS; seed++) {
      const random = seeded(seed);
      const schema = randomSchema(random);
      const { turnMs, isAdmitted, isInline } = await judgeAll(schema, samples(schema, random), random(2) === 0);
      expect(turnMs, `seed ${seed}: ${JSON.stringify(schema).slice(0, 2_000)}`).toBeLessThan(MAX_TURN_MS);
      if (isAdmitted) admitted++;
      if (isInline) inline++;
    }
    // It means nothing if all of them were refused, or left to workers.
    expect(admitted).toBeGreaterThan(SCHEMAS / 4);
    expect(inline).toBeGreaterThan(SCHEMAS / 8);
  });
});

/** Values that reach into a schema, from small ones to some of a hundred kilobytes. */
function samples(schema: JsonSchema, random: Random): JsonText[] {
  const draft: Draft = typeof schema === "object" && schema.$schema === DRAFT_07 ? "draft-07" : "2020-12";
  const graph = schemaGraph(schema, draft, 2_000);
  const shapes = [
    { values: 10, characters: 4 },
    { values: 300, characters: 30 },
    { values: 1_000, characters: 200 },
    { values: 20_000, characters: 4 },
    { values: 5, characters: 50_000 },
  ];
  return shapes.map((shape) => jsonText(sampleValue(graph, { ...shape, seed: random(1_000_000) })));
}
