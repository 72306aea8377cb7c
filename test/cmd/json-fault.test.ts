import { expect, test } from "vitest";
import { findJsonFault } from "../../cmd/commands/json-fault.js";

test.each(["{}", "[]", " null\n", '{"a":[1,-2.5e+3,"\\u00e9\\n",{"b":true}]}', '"x"', "0"])("%j is JSON", (text) => {
  expect(findJsonFault(text)).toBeUndefined();
});

test.each<[string, number, number, string, string]>([
  ["", 1, 1, "a value", "the end"],
  ["{", 1, 2, 'a name in double quotes or "}"', "the end"],
  ['{"a": }', 1, 7, "a value", '"}"'],
  ['{"a": 1,}', 1, 9, "a name in double quotes", '"}"'],
  ["{a: 1}", 1, 2, 'a name in double quotes or "}"', '"a"'],
  ['{"a" 1}', 1, 6, '":"', '"1"'],
  ["[1 2]", 1, 4, '"," or "]"', '"2"'],
  ["[1,\n  2,\n  x]", 3, 3, "a value", '"x"'],
  ["[1]]", 1, 4, "nothing more", '"]"'],
  ['{"ä": nul}', 1, 7, "a value", '"n"'],
  ["01", 1, 1, "a value", '"0"'],
  ["'a'", 1, 1, "a value", '"\'"'],
  ['["open', 1, 2, 'a value or "]"', "a string that is malformed or out of place"],
  ["[1}", 1, 3, '"," or "]"', '"}"'],
  ["{]", 1, 2, 'a name in double quotes or "}"', '"]"'],
])("%j is not JSON", (text, line, column, expected, found) => {
  expect(findJsonFault(text)).toEqual({ line, column, expected, found });
});

test("a large text is looked through too", () => {
  const text = `["${"x".repeat(3_000_000)}", ${"1, ".repeat(200_000)}]`;
  expect(findJsonFault(text)).toMatchObject({ line: 1, expected: "a value", found: '"]"' });
});
