import { expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { answerSchema, readAnswerSchema } from "../../src/hosting/answer-schema.js";

const OUTPUTS: readonly { readonly [key: string]: never }[] = [
  { type: "object", properties: { a: { type: "number" } } },
  {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    definitions: { node: { type: "object", properties: { next: { $ref: "#/definitions/node" } } } },
    properties: { root: { $ref: "#/definitions/node" }, whole: { $ref: "#" } },
  },
  { $id: "https://example.com/own", $defs: { a: true }, properties: { a: { $ref: "#/$defs/a" } } },
  { properties: { a: { $id: "inner", $defs: { b: {} }, $ref: "#/$defs/b" }, b: { enum: [{ $ref: "#" }] } } },
] as never; // schemas of all kinds

test.each(OUTPUTS)("an output schema comes out as it went in: %j", (output) => {
  expect(readAnswerSchema(answerSchema(output))).toEqual({ outputSchema: output });
});

test("an answer may have no output schema", () => {
  expect(readAnswerSchema(answerSchema(undefined))).toEqual({ outputSchema: undefined });
});

test.each<[JsonSchema | undefined]>([
  [undefined],
  [true],
  [{}],
  [{ type: "object", properties: { content: { type: "array" } }, required: ["content"] }],
  [{ type: "object", properties: { content: { type: "string" } }, required: ["content"] }],
  [{ type: "object", properties: [], required: [] }],
])("%j is no answer's", (schema) => {
  expect(readAnswerSchema(schema)).toBeUndefined();
});
