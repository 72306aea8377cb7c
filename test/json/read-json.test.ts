import { describe, expect, test } from "vitest";
import { type JsonLimits, type ReadJson, readJson } from "../../src/json/read-json.js";

const LIMITS: JsonLimits = { maxBytes: 1_048_576 };

function read(text: string | Uint8Array, limits: Partial<JsonLimits> = {}): ReadJson {
  return readJson(typeof text === "string" ? Buffer.from(text) : text, { ...LIMITS, ...limits });
}

function refusal(text: string | Uint8Array, limits: Partial<JsonLimits> = {}): { reason: string; pointer: string } {
  const result = read(text, limits);
  if (result.kind === "ok") throw new Error("It was accepted.");
  return { reason: result.reason, pointer: result.pointer };
}

describe("values", () => {
  test.each([
    "null",
    " true ",
    "-0.5e-3",
    '"text \\" with \\\\ quotes"',
    "[]",
    "{}",
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"":0}',
    '{"constructor":1,"toString":2,"proto__":3,"__proto":4}',
    '{"\\u00e9":1,"e\\u0301":2}',
    '["\\ud83d\\ude00","😀","\\ud800"]',
    '\t{"x" : [ 1 , 2.5 , -3e2 , "\\n" , null ] }\r\n',
    `[${"9".repeat(308)}]`,
  ])("reads %s as JSON.parse does", (text) => {
    expect(read(text)).toMatchObject({ kind: "ok", value: JSON.parse(text) });
  });

  test("reads a view into a larger buffer", () => {
    const bytes = new Uint8Array(Buffer.from('xx{"a":1}xx')).subarray(2, 9);
    expect(read(bytes)).toMatchObject({ kind: "ok", value: { a: 1 } });
  });

  test("remembers nothing of the text before", () => {
    for (let round = 0; round < 3; round++) {
      expect(refusal('{"a":1,"a":2}').pointer).toBe("/a");
      expect(read('{"a":1,"b":{"a":1}}').kind).toBe("ok");
    }
  });
});

describe("bytes", () => {
  test("allows as many as the limit and not one more", () => {
    expect(read('"abcd"', { maxBytes: 6 }).kind).toBe("ok");
    expect(refusal('"abcde"', { maxBytes: 6 }).reason).toBe("must be at most 6 bytes long");
  });

  test.each([
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a sequence that breaks off", [0x22, 0xe2, 0x82, 0x22]],
    ["Latin-1", [0x22, 0xe9, 0x22]],
  ])("refuses %s", (_what, bytes) => {
    expect(refusal(Uint8Array.from(bytes)).reason).toBe("must be UTF-8");
  });

  test("refuses UTF-16 and a byte order mark", () => {
    expect(read(Buffer.from('{"a":1}', "utf16le")).kind).toBe("malformed");
    expect(read("\ufeff{}").kind).toBe("malformed");
  });
});

describe("exactly one value", () => {
  test.each([
    "",
    " ",
    "{",
    "[1,]",
    '{"a":1,}',
    "{} {}",
    "1 2",
    "]",
    "[}",
    '{"a" "b"}',
    "{'a':1}",
    "NaN",
    "01",
    '"a',
    '"a\\',
    '"\\x"',
    '{"\\x":1}',
    "[1}",
    "// comment\n1",
    '"\n"',
    "-",
    "1e",
    "tru",
  ])("refuses %j", (text) => {
    expect(read(text).kind).toBe("malformed");
  });

  test("says where a text breaks off, and never what is in it", () => {
    const { reason } = refusal('{"password":"hunter2" oops}');
    expect(reason).toBe("must be one JSON value; it breaks off at byte 23");
  });
});

describe("depth", () => {
  const nest = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  test("is 64 unless said", () => {
    expect(read(nest(64)).kind).toBe("ok");
    expect(refusal(nest(65)).reason).toBe("must nest at most 64 levels deep");
  });

  test("is what the caller says", () => {
    expect(read('{"a":[]}', { maxDepth: 2 }).kind).toBe("ok");
    expect(refusal('{"a":[0,{}]}', { maxDepth: 2 })).toEqual({
      reason: "must nest at most 2 levels deep",
      pointer: "/a/1",
    });
  });

  test("is counted outside of strings only", () => {
    expect(read(JSON.stringify("[".repeat(100))).kind).toBe("ok");
    expect(read(`["\\"${"[{".repeat(100)}"]`).kind).toBe("ok");
  });

  test("refuses a bomb before the parser sees it", () => {
    expect(refusal("[".repeat(500_000)).reason).toContain("64 levels");
    expect(refusal('{"a":'.repeat(100_000)).reason).toContain("64 levels");
  });
});

describe("keys", () => {
  test.each([
    ['{"a":1,"a":1}', "/a"],
    ['{"a":1,"\\u0061":2}', "/a"],
    ['{"\\u0061":1,"\\u0061":2}', "/a"],
    ['{"x":[0,{"k":{},"y":1,"k":2}]}', "/x/1/k"],
    ['{"a":{"a":1},"a":2}', "/a"],
    ['{"a":{"b":{"a":{"b":1}},"a":1,"b":2}}', "/a/b"],
    ['{"":1,"":2}', "/"],
    ['{"a/b":1,"c~":{"é":1,"\\u00e9":2}}', "/c~0/é"],
  ])("refuses the repetition in %s", (text, pointer) => {
    expect(refusal(text)).toEqual({ reason: "repeats a key of its object; keys must be unique", pointer });
  });

  test("finds one repetition among many keys, in one object and across nested ones", () => {
    const members = Array.from({ length: 5_000 }, (_, index) => `"key-${index}":{"key-${index}":0,"id":${index}}`);
    expect(read(`{${members.join()}}`).kind).toBe("ok");
    expect(refusal(`{${members.join()},"key-2499":0}`).pointer).toBe("/key-2499");
  });

  test("agrees with a plain implementation on random texts", () => {
    let seed = 12345;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const spell = (name: string) => (random(3) === 0 ? `\\u00${name.charCodeAt(0).toString(16)}` : name);
    // Builds a text and says whether an object in it repeats a key.
    const build = (depth: number): { text: string; repeated: boolean } => {
      if (depth === 0 || random(4) === 0) return { text: String(random(10)), repeated: false };
      const seen = new Set<string>();
      let repeated = false;
      const members = Array.from({ length: random(4) }, () => {
        const name = "abcdefgh".charAt(random(8));
        repeated ||= seen.has(name);
        seen.add(name);
        const value = build(depth - 1);
        repeated ||= value.repeated;
        return `"${spell(name)}":${value.text}`;
      });
      return { text: `{${members.join()}}`, repeated };
    };
    let repetitions = 0;
    for (let round = 0; round < 3_000; round++) {
      const { text, repeated } = build(5);
      if (repeated) repetitions++;
      expect(read(text).kind, text).toBe(repeated ? "malformed" : "ok");
    }
    expect(repetitions).toBeGreaterThan(100);
  });

  test.each(['{"__proto__":{"polluted":1}}', '[{"a":{"\\u005f_proto__":1}}]'])(
    "refuses the prototype key in %s",
    (text) => {
      expect(refusal(text).reason).toBe("has a key that is never allowed");
      expect(refusal(text).pointer).toMatch(/\/__proto__$/);
    },
  );

  test("tells long and unprintable keys shortly and cleanly", () => {
    const long = "k".repeat(10_000);
    const pointer = refusal(`{"${long}":{"a\\u001b[31m":1,"a\\u001b[31m":2}}`).pointer;
    expect(pointer).toBe(`/${"k".repeat(63)}…/a\ufffd[31m`);
    const deep = `${`{"${"d".repeat(60)}":`.repeat(30)}{"x":1,"x":2}${"}".repeat(30)}`;
    expect(refusal(deep).pointer.length).toBeLessThanOrEqual(256);
  });
});

describe("amounts", () => {
  test("bounds arrays and objects", () => {
    expect(read("[[],[]]", { maxContainers: 3 }).kind).toBe("ok");
    expect(refusal("[[],[],[]]", { maxContainers: 3 }).reason).toBe("must have at most 3 arrays and objects");
    expect(refusal(`[${"{},".repeat(160_000)}0]`).reason).toBe("must have at most 150000 arrays and objects");
  });

  test("bounds different keys, not keys", () => {
    expect(read('[{"a":1},{"a":1},{"a":1,"b":1}]', { maxDistinctKeys: 2 }).kind).toBe("ok");
    expect(refusal('[{"a":1},{"a":1},{"a":1,"b":1,"c":1}]', { maxDistinctKeys: 2 }).reason).toBe(
      "must have at most 2 different keys",
    );
    const keys = Array.from({ length: 40_000 }, (_, index) => `"k${index}":0`);
    expect(refusal(`{${keys.join()}}`).reason).toBe("must have at most 32000 different keys");
  });

  test("takes more of both where longer texts are allowed", () => {
    const large = { maxBytes: 32 * 1_048_576 };
    expect(read(`[${"{},".repeat(400_000)}{}]`, large).kind).toBe("ok");
    expect(refusal(`[${"{},".repeat(200_000)}{}]`).reason).toBe("must have at most 150000 arrays and objects");
    const keys = Array.from({ length: 100_000 }, (_, index) => `"k${index}":0`);
    expect(read(`{${keys.join()}}`, large).kind).toBe("ok");
  });

  test("reads many rows of the same shape", () => {
    const rows = Array.from({ length: 30_000 }, (_, id) => ({ id, name: `row ${id}` }));
    expect(read(JSON.stringify(rows))).toMatchObject({ kind: "ok", value: rows });
  });

  test("refuses numbers out of a double's range, at either end", () => {
    for (const number of ["1e999", "-1E+400", `1${"0".repeat(400)}`, "1e-400", "-0.0001E-330", `0.${"0".repeat(330)}1`])
      expect(refusal(`{"a":[0,${number}]}`)).toEqual({
        reason: "must be a number within the range of a double",
        pointer: "/a/1",
      });
  });

  test.each([
    ["[1,-2.5,0.1,123456789012345]", false],
    ["[1234567890.123456]", true],
    ['["1234567890123456"]', false],
    ["[9007199254740993]", true],
    ["[1e3]", true],
  ])("says of %s whether a double may not hold a number: %s", (text, expected) => {
    expect(read(text)).toMatchObject({ longNumbers: expected });
  });
});
