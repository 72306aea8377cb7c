import { describe, expect, test } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { HIDDEN_FIELDS, loggable } from "../../src/observe/loggable.js";

const CANARY = "canary-7f3a";

/** Anything at all, within an object that contains itself. */
function cyclic(): object {
  const value: Record<string, unknown> = { a: 1 };
  value.self = value;
  return value;
}

describe("canaries", () => {
  test.each([...HIDDEN_FIELDS])("the field %s is hidden at any depth and in any spelling", (name) => {
    const values = [CANARY, { deep: CANARY }, [CANARY], Buffer.from(CANARY), new Error(CANARY)];
    for (const spelling of [name, name.toUpperCase(), [...name].join("_"), [...name].join("-")]) {
      for (const value of values) {
        const line = JSON.stringify(
          loggable({ event: "x", [spelling]: value, call: { [spelling]: value, list: [{ [spelling]: value }] } }),
        );
        expect(line).not.toContain(CANARY);
        expect(line).toContain("[hidden]");
      }
    }
  });

  test.each([
    `redis://user:${CANARY}@host:6379/0`,
    `cannot reach rediss://:${CANARY}@host, giving up`,
    `redis://user:p@ss${CANARY}@host`,
    `${"x".repeat(2_040)}redis://u:${CANARY}@host`,
    `${"x".repeat(2_020)}redis://u:${CANARY}${"y".repeat(100)}@host`,
  ])("credentials within a URL are left out: %s", (text) => {
    const error = new Error(text, { cause: new Error(text) });
    const line = JSON.stringify(loggable({ event: "x", message: text, list: [text], error, url: new URL("a://b") }));
    expect(line).not.toContain(CANARY);
    expect(line).toContain("redis");
  });

  test("an error's own properties are not written: ioredis keeps the command's arguments there", () => {
    const error = Object.assign(new Error("ERR wrong"), { command: { name: "xadd", args: [CANARY] }, code: "E1" });
    const line = JSON.stringify(loggable({ event: "x", error }));
    expect(line).not.toContain(CANARY);
    expect(line).toContain("ERR wrong");
    expect(line).toContain("E1");
  });

  test("the text that JSON.parse quotes is not written", () => {
    let error: unknown;
    try {
      JSON.parse(`{"a": ${CANARY}}`);
    } catch (thrown) {
      error = thrown;
    }
    const cause = new ToolgateError("MALFORMED_JSON", "The payload is not JSON.", { cause: error });
    expect(String(error)).toContain("canary");
    expect(JSON.stringify(loggable({ event: "x", error, cause }))).not.toContain("canary");
  });

  test("bytes are counted, not written", () => {
    expect(loggable({ event: "x", bytes: Buffer.from(CANARY), view: new Uint8Array(3) })).toMatchObject({
      bytes: `[${CANARY.length} bytes]`,
      view: "[3 bytes]",
    });
  });
});

describe("bounds", () => {
  test.each([
    ["wide", Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`.padEnd(500), "v".repeat(9_000)]))],
    ["long", { text: "t".repeat(5_000_000) }],
    ["deep", Array.from({ length: 10_000 }).reduce<object>((inner) => ({ inner }), {})],
    ["a list", { list: Array.from({ length: 100_000 }, () => ["x".repeat(5_000)]) }],
    ["cyclic", cyclic()],
    ["an error with a long cause chain", { error: chain(1_000) }],
    ["adversarial for a search", { text: "a.".repeat(500_000), other: "://".repeat(500_000) }],
  ])("%s", (_, fields) => {
    expect(JSON.stringify(loggable({ event: "x", ...fields })).length).toBeLessThan(600_000);
  });

  function chain(length: number): Error {
    let error = new Error("last");
    for (let i = 0; i < length; i++) error = new Error(`${i}`, { cause: error });
    return error;
  }

  test("odd values are written as what they are", () => {
    const odd = {
      big: 10n ** 20n,
      nan: Number.NaN,
      fn: () => 1,
      symbol: Symbol("s"),
      date: new Date(0),
      noDate: new Date(Number.NaN),
      map: new Map([[1, 2]]),
      nothing: null,
      absent: undefined,
      get broken() {
        throw new Error("no");
      },
    };
    expect(loggable(odd)).toEqual({
      big: "100000000000000000000",
      nan: "NaN",
      fn: "[function]",
      symbol: "[symbol]",
      date: "1970-01-01T00:00:00.000Z",
      noDate: "[no date]",
      map: "[1 entries]",
      nothing: null,
      absent: undefined,
      broken: "[unreadable]",
    });
  });

  test("an error says what a reader needs", () => {
    const error = new ToolgateError("STORE_UNAVAILABLE", "Redis is away", {
      executed: "unknown",
      cause: new Error("E"),
    });
    expect(loggable({ event: "x", error })).toMatchObject({
      error: {
        name: "ToolgateError",
        message: "Redis is away",
        reason: "STORE_UNAVAILABLE",
        executed: "unknown",
        stack: expect.arrayContaining([expect.stringContaining("loggable.test.ts")]),
        cause: { name: "Error", message: "E" },
      },
    });
  });
});
