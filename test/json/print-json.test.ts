import { describe, expect, test } from "vitest";
import { printJson } from "../../src/json/print-json.js";

const VALUES = [
  "1",
  '"a \\" b"',
  "[]",
  "{}",
  '{"a":[],"b":{},"c":[[],{"d":null}]}',
  '{"a":[1,true,"x, y: {z}"],"b":{"c":"\\\\"}}',
  '["","é","𝒳"]',
];

describe("printing JSON again", () => {
  test.each(VALUES)("gives what JSON.stringify gives, where no number is changed by that: %s", (json) => {
    expect(printJson(json)).toBe(JSON.stringify(JSON.parse(json)));
    expect(printJson(json, 2)).toBe(JSON.stringify(JSON.parse(json), null, 2));
    expect(printJson(printJson(json, 2))).toBe(json);
  });

  test("leaves numbers, escapes and the order of keys alone", () => {
    const json = '{"2": 725653563933458433,\r\n\t"1" :10.00, "é": "\\u00e9\\/", "e":-1.5E+400}';
    expect(printJson(json)).toBe('{"2":725653563933458433,"1":10.00,"é":"\\u00e9\\/","e":-1.5E+400}');
    expect(printJson("[10.00]", 2)).toBe("[\n  10.00\n]");
  });
});
