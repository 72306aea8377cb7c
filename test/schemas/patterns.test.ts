import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { readPattern } from "../../src/schemas/patterns.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { expectNoLeaks } from "../support/leaks.js";
import { jsonText } from "./json-text.js";
import { sealTools } from "./seal.js";

expectNoLeaks();

function matches(pattern: string, text: string): boolean {
  const read = readPattern(pattern);
  if (read.kind === "refused") throw new Error(read.reason);
  return read.test(text);
}

function costOf(schema: JsonSchema): string {
  const policy = checkSchemaPolicy(schema);
  return policy.kind === "refused" ? "refused" : policy.cost.kind;
}

describe("patterns that no linear engine takes", () => {
  test.each([
    ["^(?=.*[0-9])(?=.*[a-z]).{4,}$", "abc1", "abcd"],
    ["^(?!con$|nul$).+$", "file", "nul"],
    ["(?<=a)b", "ab", "cb"],
    ["(?<!a)b", "cb", "ab"],
    ["^(['\"])[a-z]+\\1$", "'a'", "'a\""],
    ["^(?<quote>['\"])[a-z]+\\k<quote>$", '"a"', "'a\""],
    ["^a{1001}$", "a".repeat(1_001), "a".repeat(1_000)],
    // With the flag u a character is one, however it is written; without it, needless escapes are forgiven.
    ["^(?!a).$", "\u{1f600}", "ab"],
    ["^(?!\\-)[\\w\\:]+$", "a:b", "-a"],
  ])("%s is matched by the language's own engine", (pattern, fits, doesNotFit) => {
    expect(readPattern(pattern).kind).toBe("backtracking");
    expect([matches(pattern, fits), matches(pattern, doesNotFit)]).toEqual([true, false]);
  });

  test("make a schema costly, wherever they are, so that it judges in a worker only", () => {
    expect(costOf({ pattern: "^a+$" })).toBe("cheap");
    expect(costOf({ pattern: "^(?=a)" })).toBe("costly");
    expect(costOf({ properties: { a: { patternProperties: { "^(?!a)": { type: "string" } } } } })).toBe("costly");
    expect(costOf({ patternProperties: { "^(?!a)": {} }, additionalProperties: false })).toBe("costly");
  });

  test("are bounded by their length together, as others are by their instructions", () => {
    const patterns = Array.from({ length: 6 }, (_, index) => ({ pattern: `(?=${index})${"a".repeat(2_000)}` }));
    expect(costOf({ anyOf: patterns.slice(0, 4) })).toBe("costly");
    expect(costOf({ anyOf: patterns })).toBe("refused");
  });
});

describe("a value on which one of them takes for ever", () => {
  const PAYLOAD = {
    type: "object",
    properties: { a: { type: "string", pattern: "^(?=a)(a+)+$" } },
    additionalProperties: false,
  } satisfies JsonSchema;
  let cache: ValidatorCache;

  beforeEach(() => {
    cache = new ValidatorCache({ maxContracts: 10, validateCpuMs: 200, compileCpuMs: 60_000, contractCpuMs: 120_000 });
  });
  afterEach(() => cache.stop());

  test("has no verdict, and others have theirs before and after it", async () => {
    const sealed = sealTools({ tool: { payload: PAYLOAD, result: PAYLOAD } });
    await cache.admit(sealed);
    const set = cache.forContract(sealed.digest, sealed.contract);
    const endless = jsonText({ a: `${"a".repeat(60)}!` });
    const inconclusive = {
      kind: "inconclusive",
      why: expect.stringContaining("takes more work than a check may"),
      tooCostly: true,
    };

    expect(await set.payload("tool", jsonText({ a: "aaa" }))).toEqual({ kind: "valid" });
    expect(await set.payload("tool", endless)).toEqual(inconclusive);
    expect(await set.result("tool", endless)).toEqual(inconclusive);
    expect(await set.payload("tool", jsonText({ a: "baa" }))).toMatchObject({
      kind: "invalid",
      violations: [{ field: "/a", description: 'must match the pattern "^(?=a)(a+)+$"' }],
    });
  });
});
