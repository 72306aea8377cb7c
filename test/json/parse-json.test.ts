import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/json/parse-json.js";

describe("integers as numbers", () => {
  test("are what JSON.parse makes of them", () => {
    expect(parseJson("[9007199254740993, 1]", "number")).toEqual([9007199254740992, 1]);
  });
});

describe("integers as bigints", () => {
  test("are so beyond what a double holds, and numbers otherwise", () => {
    const text = "[9007199254740991, 9007199254740992, -9007199254740993, 12345678901234567890, 0, -0, 1e30, 10.00]";
    expect(parseJson(text, "bigint")).toEqual([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
      12345678901234567890n,
      0,
      -0,
      1e30,
      10,
    ]);
  });

  test.each([
    '{"9007199254740993":"9007199254740993"}',
    '{"a":{"b":[{"c":1234567890123456789},[],{}],"d":"x"},"e":[[1234567890123456789]]}',
    '{"\\u0061\\"":"\\\\\\"1234567890123456789","n":null,"t":true,"f":false}',
    '{"__proto__":{"x":1234567890123456789},"a":1}',
    '{"a":1,"a":1234567890123456789}',
    " [ 1234567890123456789 , 0.1234567890123456789 ] ",
  ])("leave everything else as JSON.parse has it: %s", (text) => {
    const big = (_key: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);
    const read = parseJson(text, "bigint");
    expect(JSON.stringify(read, big)).toBe(JSON.stringify(JSON.parse(text)));
    expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(JSON.parse(text)));
  });

  test("need JSON, and stand any depth", () => {
    expect(() => parseJson("[1234567890123456789", "bigint")).toThrow(SyntaxError);
    const deep = `${"[".repeat(5_000)}1234567890123456789${"]".repeat(5_000)}`;
    let value = parseJson(deep, "bigint");
    while (Array.isArray(value)) value = value[0];
    expect(value).toBe(1234567890123456789n);
  });
});
