import { describe, expect, test } from "vitest";
import { rawJson, stringifyJson } from "../../src/json/raw-json.js";

const EXACT = '{ "id": 725653563933458433, "price": 10.00, "e": 1E400 , "s": "\\u0041" }';

describe("raw JSON", () => {
  test("is the bytes that it was made of, from text and from bytes", () => {
    expect(rawJson(EXACT).text).toBe(EXACT);
    const bytes = Buffer.from(EXACT);
    const raw = rawJson(bytes);
    bytes.fill(0);
    expect(raw.text).toBe(EXACT);
  });

  test.each(["", "{", "1 2", "nul", "{'a':1}", "[1,]", "\u00a01", '"\ud800"\u0000'])(
    "is one JSON value: not %j",
    (text) => {
      expect(() => rawJson(text)).toThrow(expect.objectContaining({ reason: "INVALID_REQUEST" }));
    },
  );

  test("is UTF-8", () => {
    expect(() => rawJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/one JSON value in UTF-8/);
  });

  test("is parsed as asked for", () => {
    const raw = rawJson("[725653563933458433, 10.00]");
    expect(raw.parse()).toEqual([Number("725653563933458433"), 10]);
    expect(raw.parse("bigint")).toEqual([725653563933458433n, 10]);
  });

  test("can be logged by whatever makes JSON of it", () => {
    expect(JSON.stringify({ raw: rawJson("[1, 2]") })).toBe('{"raw":[1,2]}');
  });
});

describe("writing values", () => {
  test("leaves raw JSON within them as it is", () => {
    const value = { content: [rawJson(EXACT), "text"], also: { deep: rawJson(" 10.00 ") } };
    expect(stringifyJson(value)).toBe(`{"content":[${EXACT},"text"],"also":{"deep": 10.00 }}`);
  });

  test("writes bigints as integers, beside raw JSON", () => {
    expect(stringifyJson(12345678901234567890n)).toBe("12345678901234567890");
    expect(stringifyJson({ a: [-9007199254740993n], b: rawJson("1.0") })).toBe('{"a":[-9007199254740993],"b":1.0}');
  });

  test("keeps what JSON.stringify does with everything else", () => {
    const value = { date: new Date(0), none: undefined, list: [undefined, Number.NaN], nested: { toJSON: () => "x" } };
    expect(stringifyJson(value)).toBe(JSON.stringify(value));
    expect(stringifyJson(() => 1)).toBeUndefined();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => stringifyJson(cycle)).toThrow(TypeError);
    expect(stringifyJson([rawJson("1.0")])).toBe("[1.0]"); // the failure before left nothing behind
  });

  test("can be done within a value's own toJSON", () => {
    const value = { raw: rawJson("1.0"), inner: { toJSON: () => stringifyJson([rawJson("2.0")]) } };
    expect(stringifyJson(value)).toBe('{"raw":1.0,"inner":"[2.0]"}');
  });

  test("takes no text for a place that it holds", () => {
    const text = '"00000000-0000-4000-8000-000000000000:0"';
    expect(stringifyJson([rawJson(text), rawJson('"$1 $&"')])).toBe(`[${text},"$1 $&"]`);
  });
});
