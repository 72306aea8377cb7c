import { expect, test } from "vitest";
import { readToolAnswer, type ToolAnswer } from "../../src/hosting/tool-answer.js";

const read = (json: string): ToolAnswer => readToolAnswer(JSON.parse(json), Buffer.from(json));
const result = (json: string): ToolAnswer => ({ kind: "result", json: Buffer.from(json) });

test.each([
  '{"content":[]}',
  ' { "structuredContent" : {"id":725653563933458433,"price":10.00}, "content":[] , "isError":false}',
  '{"content":[{"type":"text","text":"\\u0061"}],"_meta":{"a":null},"resultType":"complete"}',
])("an answer in order stays as it was written: %s", (json) => {
  expect(read(json)).toEqual(result(json));
});

test.each([
  ['{"content":[],"_meta":null}', '{"content":[]}'],
  ['{ "structuredContent": null, "content": [ 1e2 ], "isError": null }', '{"content":[ 1e2 ]}'],
  ['{"structuredContent":{"n":1.0}}', '{"content":[],"structuredContent":{"n":1.0}}'],
  ['{"content":null}', '{"content":[]}'],
  ["{}", '{"content":[]}'],
])("null is absence, and content is always there: %s", (json, kept) => {
  expect(read(json)).toEqual(result(kept));
});

test("a failure has the words of its texts, and keeps the rest as it was written", () => {
  const json =
    '{"isError":true,"content":[{"type":"text","text":"a"},{"type":"x"},null,{"text":"b"}],"_meta":{"n":1.0}}';
  const kept = '{"content":[{"type":"text","text":"a"},{"type":"x"},null,{"text":"b"}],"_meta":{"n":1.0}}';
  expect(read(json)).toEqual({ kind: "failed", text: "a\nb", json: Buffer.from(kept) });
});

test.each([
  ["[]", "its result is an array, not an object"],
  ['"done"', "its result is a string, not an object"],
  ["5", "its result is a number, not an object"],
  ['{"content":"done"}', "the content of its result is a string, not an array"],
  ['{"content":{"type":"text"}}', "the content of its result is an object, not an array"],
])("what is no answer of a tool is named: %s", (json, why) => {
  expect(read(json)).toEqual({ kind: "unusable", why });
});
