import { describe, expect, test } from "vitest";
import { readMessage } from "../../../src/front/mcp/message.js";

const read = (body: string | Buffer) => readMessage(typeof body === "string" ? Buffer.from(body) : body);
const envelope = (members: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call"${members}}`;

test("a request has its parameters in the bytes that they came as", () => {
  const got = read(envelope(', "params": { "name" : "a", "arguments": {"n": 1.0e2, "big": 12345678901234567890} }'));
  expect(got).toMatchObject({ kind: "message", message: { id: 1, method: "tools/call" } });
  const { params } = (got as Extract<typeof got, { kind: "message" }>).message;
  expect(params.get("arguments")?.toString()).toBe('{"n": 1.0e2, "big": 12345678901234567890}');
});

test.each([
  ['{"jsonrpc":"2.0","method":"notifications/cancelled"}', { kind: "message", message: { id: undefined } }],
  ['{"jsonrpc":"2.0","id":"1","result":{}}', { kind: "response" }],
  ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', { kind: "response" }],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', { kind: "batch" }],
])("%s", (body, expected) => {
  expect(read(body)).toMatchObject(expected);
});

/** What a reader in between may take for something else than this one does. */
describe("refuses", () => {
  test.each<[string, string | Buffer]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["text behind the value", `${envelope("")} x`],
    ["a second value", envelope("") + envelope("")],
    ["a byte order mark", `\ufeff${envelope("")}`],
    ["UTF-16", Buffer.from(envelope(""), "utf16le")],
    [
      "bytes that are no UTF-8",
      Buffer.concat([Buffer.from(envelope("").slice(0, -1)), Buffer.from([0x2c, 0xff, 0x7d])]),
    ],
    ["a comment", `/* */${envelope("")}`],
    ["single quotes", "{'jsonrpc':'2.0'}"],
    ["NaN", envelope(',"params":{"a":NaN}')],
    ["a number", "1"],
    ["a text", '"tools/call"'],
    ["null", "null"],
    ["an empty batch", "[]"],
    ["another version of JSON-RPC", '{"jsonrpc":"1.0","id":1,"method":"m"}'],
    ["a version that is a number", '{"jsonrpc":2.0,"id":1,"method":"m"}'],
    ["no version", '{"id":1,"method":"m"}'],
    ["no method", '{"jsonrpc":"2.0","id":1}'],
    ["a method that is a list", '{"jsonrpc":"2.0","id":1,"method":["tools/call"]}'],
    ["an empty method", '{"jsonrpc":"2.0","id":1,"method":""}'],
    ["an id of null", '{"jsonrpc":"2.0","id":null,"method":"m"}'],
    ["an id with a fraction", '{"jsonrpc":"2.0","id":1.5,"method":"m"}'],
    ["an id beyond 2^53", '{"jsonrpc":"2.0","id":9007199254740993,"method":"m"}'],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"m"}'],
    ["a huge id", `{"jsonrpc":"2.0","id":"${"x".repeat(2_000)}","method":"m"}`],
    ["parameters that are a list", envelope(',"params":[]')],
    ["parameters that are null", envelope(',"params":null')],
    ...["method", "id", "jsonrpc", "params"].flatMap((name): [string, string][] => [
      [`${name} twice`, envelope(`,"params":{},"${name}":"2.0"`)],
      [`${name} in capitals beside it`, envelope(`,"params":{},"${name.toUpperCase()}":"2.0"`)],
      [
        `${name} with an escape beside it`,
        envelope(`,"params":{},"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":"2.0"`),
      ],
    ]),
    ...["name", "arguments", "_meta", "cursor"].flatMap((name): [string, string][] => [
      [`params/${name} twice`, envelope(`,"params":{"${name}":{},"${name}":{}}`)],
      [`params/${name} in capitals beside it`, envelope(`,"params":{"${name}":{},"${name.toUpperCase()}":{}}`)],
      [
        `params/${name} capitalised before it`,
        envelope(`,"params":{"${name.replace(/[a-z]/, (c) => c.toUpperCase())}":{},"${name}":{}}`),
      ],
    ]),
    ["a long s beside its s", envelope(',"params":{"arguments":{},"argument\u017f":{}}')],
    ["a Kelvin sign beside a k", envelope(',"params":{"token":1,"to\u212aen":2}')],
    ["a full-width letter beside a plain one", envelope(',"params":{"name":1,"n\uff41me":2}')],
    ["a thousand members", `{${Array.from({ length: 1_000 }, (_, index) => `"m${index}":0`).join(",")}}`],
    [
      "a thousand parameters",
      envelope(`,"params":{${Array.from({ length: 1_000 }, (_, index) => `"m${index}":0`).join(",")}}`),
    ],
    ["a thousand messages", `[${Array.from({ length: 1_000 }, () => envelope("")).join(",")}]`],
  ])("%s", (_what, body) => {
    expect(read(body)).toMatchObject({ kind: "fault", code: expect.any(Number), why: expect.stringMatching(/\.$/) });
  });
});

test("a fault tells the id of its request, as far as it can be read", () => {
  expect(read('{"jsonrpc":"2.0","id":7,"method":"m","params":[]}')).toMatchObject({ kind: "fault", id: 7 });
});

test("what is deep within the arguments is the tool's own", () => {
  expect(read(envelope(',"params":{"name":"t","arguments":{"a":1,"A":2,"a":3}}'))).toMatchObject({ kind: "message" });
});
