import { expect, test } from "vitest";
import { idAtTheEnds, readRpcLine } from "../../src/hosting/json-rpc-message.js";

const read = (line: string) => readRpcLine(Buffer.from(line));

test("a byte order mark before the first message, as some runtimes write it, is no part of it", () => {
  expect(read('\ufeff{"jsonrpc":"2.0","id":0,"result":{"n":1.0}}')).toEqual([
    { kind: "answer", id: "0", answer: { kind: "result", value: { n: 1 }, json: Buffer.from('{"n":1.0}') } },
  ]);
});

test("an answer that names a method too is an answer", () => {
  expect(read('{"id":1,"method":"tools/call","result":{}}')).toMatchObject([{ kind: "answer", id: "1" }]);
  expect(read('{"id":1,"method":"tools/call","error":{"code":1}}')).toMatchObject([{ kind: "answer", id: "1" }]);
  expect(read('{"id":1,"method":"ping","result":null}')).toMatchObject([{ kind: "request", method: "ping" }]);
});

test.each([
  ["its id first", '{"jsonrpc":"2.0","id":3,"method":"roots/list","params":{"x":NaN}}'],
  ["its id last", '{"jsonrpc":"2.0","method":"roots/list","params":{"x":NaN},"id":3}'],
  ["its id last, without jsonrpc", '{"method":"roots/list","params":{"x":NaN},"id":3}'],
])("what the server asks is not taken for an answer, also where it is not JSON, with %s", (_name, line) => {
  expect(read(line)).toMatchObject([{ kind: "unreadable" }]);
  expect(idAtTheEnds(Buffer.from(line), Buffer.from(line))).toBeUndefined();
});

test("a batch of more messages than any server sends is not read", () => {
  const batch = (count: number): string => `[${Array.from({ length: count }, () => '{"method":"a"}').join(",")}]`;
  expect(read(batch(1_000))).toHaveLength(1_000);
  expect(read(batch(1_001))).toEqual([{ kind: "unreadable", why: "it is a batch of more than 1000 messages" }]);
});

test("a member is read by its name however that is escaped, and the last of two counts", () => {
  const line = '{"id":1,"result":1.0,"\\u0072esult":{"n":10.00},"resul\\u0054":2}';
  expect(read(line)).toEqual([
    { kind: "answer", id: "1", answer: { kind: "result", value: { n: 10 }, json: Buffer.from('{"n":10.00}') } },
  ]);
});
