import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../../src/contract/contract.js";
import { paramHeadersOf, paramMismatch } from "../../../src/front/mcp/param-headers.js";

const object = (properties: { readonly [key: string]: JsonSchema }): JsonSchema =>
  ({ type: "object", properties }) as JsonSchema;
const region = { type: "string", "x-mcp-header": "Region" } as const;

test("arguments have headers where their schema says so, however deep", () => {
  expect(paramHeadersOf(object({ region, deep: object({ er: { type: "integer", "x-mcp-header": "N" } }) }))).toEqual([
    { path: ["region"], header: "mcp-param-region" },
    { path: ["deep", "er"], header: "mcp-param-n" },
  ]);
  expect(paramHeadersOf(object({ a: { type: "string" } }))).toEqual([]);
  expect(paramHeadersOf({ items: { properties: { region } } } as JsonSchema)).toEqual([]);
});

test.each<[string, JsonSchema]>([
  ["twice the same", object({ region, other: { type: "string", "x-mcp-header": "REGION" } })],
  ["of a list", object({ list: { type: "array", "x-mcp-header": "List" } })],
  ["of a number with a fraction", object({ n: { type: "number", "x-mcp-header": "N" } })],
  ["with a name that is none", object({ a: { type: "string", "x-mcp-header": "a b\r\nc" } })],
  ["with a name that is a number", object({ a: { type: "string", "x-mcp-header": 1 } })],
])("a tool has none with one that is %s", (_what, schema) => {
  expect(paramHeadersOf(schema)).toEqual([]);
});

describe("a call", () => {
  const params = paramHeadersOf(
    object({ region, n: { type: "integer", "x-mcp-header": "N" }, on: { type: "boolean", "x-mcp-header": "On" } }),
  );
  const check = (args: unknown, headers: Record<string, string>) =>
    paramMismatch(params, Buffer.from(JSON.stringify(args)), headers);

  test.each<[unknown, Record<string, string>]>([
    [{}, {}],
    [{ region: null }, {}],
    [{ region: "eu" }, { "mcp-param-region": " eu " }],
    [{ region: "eu" }, { "mcp-param-region": "=?base64?ZXU=?=" }],
    [{ region: "=?base64?ZXU=" }, { "mcp-param-region": "=?base64?ZXU=" }],
    [
      { n: 7, on: true },
      { "mcp-param-n": "7", "mcp-param-on": "true" },
    ],
    [{ n: 7 }, { "mcp-param-n": "7.0" }],
  ])("%j is repeated by %j", (args, headers) => {
    expect(check(args, headers)).toBeUndefined();
  });

  test.each<[unknown, Record<string, string>]>([
    [{ region: "eu" }, {}],
    [{ region: "eu" }, { "mcp-param-region": "EU" }],
    [{ region: "eu" }, { "mcp-param-region": "eu, us" }],
    [{ region: "eu" }, { "mcp-param-region": "=?base64?ZXU?=" }],
    [{ region: "eu" }, { "mcp-param-region": "=?base64?Z!U=?=" }],
    [{}, { "mcp-param-region": "eu" }],
    [{ region: { eu: 1 } }, { "mcp-param-region": "eu" }],
    [{ n: 7 }, { "mcp-param-n": "8" }],
    [{ n: 7 }, { "mcp-param-n": "0x7" }],
    [{ on: true }, { "mcp-param-on": "false" }],
  ])("%j is not repeated by %j", (args, headers) => {
    expect(check(args, headers)).toMatchObject({ kind: "error", status: 400, error: { code: -32_020 } });
  });

  test("is none by what its arguments have from elsewhere", () => {
    const inherited = paramHeadersOf(object({ toString: region as unknown as JsonSchema }));
    expect(paramMismatch(inherited, Buffer.from("{}"), {})).toBeUndefined();
  });
});
