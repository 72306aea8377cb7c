import { describe, expect, test } from "vitest";
import { joinObject, memberOf, slicesOf } from "../../src/json/json-slices.js";

const parts = (text: string): [string | undefined, string][] => {
  const json = Buffer.from(text);
  return [...slicesOf(json)].map(({ key, start, end }) => [key, json.toString("utf8", start, end)]);
};

describe("slices", () => {
  test.each<[string, [string | undefined, string][]]>([
    ["{}", []],
    [" [ ] ", []],
    ['{"a":1}', [["a", "1"]]],
    [
      ' { "a" : 725653563933458433 ,\n"b":10.00,"c"\t:-1.5e+2 } ',
      [
        ["a", "725653563933458433"],
        ["b", "10.00"],
        ["c", "-1.5e+2"],
      ],
    ],
    [
      '{"s":"}],\\"{[","o":{"x":[1,{"y":"]"}]},"t":true,"n":null}',
      [
        ["s", '"}],\\"{["'],
        ["o", '{"x":[1,{"y":"]"}]}'],
        ["t", "true"],
        ["n", "null"],
      ],
    ],
    ['{"\\u0061\\"":"\\\\"}', [['a"', '"\\\\"']]],
    [
      '{"ü":"ü","":{}}',
      [
        ["ü", '"ü"'],
        ["", "{}"],
      ],
    ],
    ['[1, "a" ,[], {"b":2}]', ["1", '"a"', "[]", '{"b":2}'].map((value) => [undefined, value])],
    [
      '{"a":1,"a":2}',
      [
        ["a", "1"],
        ["a", "2"],
      ],
    ],
  ])("of %s", (text, expected) => {
    JSON.parse(text);
    expect(parts(text)).toEqual(expected);
  });

  test("of what is not JSON come to an end", () => {
    for (const text of ["", "{", '{"a', '{"a":', '{"a":1', "[1,", '["\\', "{]", "nonsense"]) {
      try {
        [...slicesOf(Buffer.from(text))];
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }
  });
});

test.each([
  ['{"a": 1e2 , "b":2}', "1e2"],
  ['{"b": {"a": 1}}', undefined],
  ['{"a": 1, "\\u0061" : [ 2 ]}', "[ 2 ]"], // as JSON.parse takes the last one
  ["[1]", undefined],
  ["{}", undefined],
])("the member a of %s is %s", (text, member) => {
  expect(memberOf(Buffer.from(text), "a")?.toString()).toBe(member);
});

test("an object is joined from values and bytes", () => {
  const joined = joinObject([
    ["id", 1],
    ["params", Buffer.from('{"n": 10.00}')],
    ['"', null],
  ]);
  expect(joined.toString()).toBe('{"id":1,"params":{"n": 10.00},"\\"":null}');
  expect(joinObject([]).toString()).toBe("{}");
});
