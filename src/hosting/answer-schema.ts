import { isDeepStrictEqual } from "node:util";
import type { JsonSchema } from "../contract/contract.js";
import type { Json } from "../json/json.js";
import { embedSchema } from "./embed-schema.js";
import { extractSchema } from "./extract-schema.js";

type ObjectSchema = { readonly [key: string]: Json };

const CONTENT: ObjectSchema = {
  type: "array",
  items: { type: "object", properties: { type: { type: "string" } }, required: ["type"] },
};
const STRUCTURED = "#/properties/structuredContent";

/**
 * The schema of an answer of MCP's `tools/call` (CallToolResult) that is not an error. It is how a contract says that a tool's results are
 * such answers: see `readAnswerSchema`.
 *
 * @param outputSchema what the tool says of its `structuredContent`
 */
export function answerSchema(outputSchema: ObjectSchema | undefined): ObjectSchema {
  if (outputSchema === undefined) {
    return {
      type: "object",
      properties: { content: CONTENT, structuredContent: { type: "object" } },
      required: ["content"],
    };
  }
  return {
    // A schema has one draft; the embedded one was written for its own.
    ...(typeof outputSchema.$schema === "string" ? { $schema: outputSchema.$schema } : {}),
    type: "object",
    properties: { content: CONTENT, structuredContent: embedSchema(outputSchema, STRUCTURED) },
    required: ["content", "structuredContent"],
  };
}

/**
 * Whether a tool's results are answers of MCP's `tools/call`: its result schema is one that `answerSchema` makes.
 *
 * @returns what the tool says of its `structuredContent`; nothing where its results are something else
 */
export function readAnswerSchema(
  result: JsonSchema | undefined,
): { readonly outputSchema: JsonSchema | undefined } | undefined {
  if (typeof result !== "object") return undefined;
  const { properties, required, $schema } = result;
  if (!isObject(properties) || !Array.isArray(required) || !isDeepStrictEqual(properties.content, CONTENT))
    return undefined;
  if (!required.includes("structuredContent")) return { outputSchema: undefined };
  const { structuredContent } = properties;
  if (typeof structuredContent !== "boolean" && !isObject(structuredContent)) return undefined;
  const dialect = typeof $schema === "string" ? $schema : undefined;
  return { outputSchema: extractSchema(structuredContent, STRUCTURED, dialect) };
}

function isObject(value: Json | undefined): value is ObjectSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
