import { joinObject, slicesOf } from "../json/json-slices.js";

/** What a server's answer to `tools/call` comes to. */
export type ToolAnswer =
  /** The call's result, in the server's own bytes. */
  | { readonly kind: "result"; readonly json: Buffer }
  /** The tool says that it failed: in which words, and the bytes of what it answered besides `isError`. */
  | { readonly kind: "failed"; readonly text: string; readonly json: Buffer }
  /** It is no answer of a tool. */
  | { readonly kind: "unusable"; readonly why: string };

/** Members for which null stands for absence. */
const OPTIONAL = new Set(["content", "structuredContent", "_meta", "isError"]);
const NO_CONTENT: readonly [string, Buffer] = ["content", Buffer.from("[]")];

/**
 * Reads an MCP CallToolResult. Its values stay in the bytes that the server wrote; changed are, at its top level only, members
 * that are null where MCP has them optional, which go, and an absent `content`, which becomes the empty one.
 *
 * @param value the answer
 * @param json the bytes of it
 */
export function readToolAnswer(value: unknown, json: Buffer): ToolAnswer {
  if (!isObject(value)) return { kind: "unusable", why: `its result is ${nameOf(value)}, not an object` };
  const { content } = value;
  if (content !== undefined && content !== null && !Array.isArray(content)) {
    return { kind: "unusable", why: `the content of its result is ${nameOf(content)}, not an array` };
  }
  const failed = value.isError === true;
  const drops = (key: string): boolean => (OPTIONAL.has(key) && value[key] === null) || (failed && key === "isError");
  const whole = Array.isArray(content) && !Object.keys(value).some(drops);
  const kept = whole ? json : withContent(json, drops);
  if (!failed) return { kind: "result", json: kept };
  const text = (Array.isArray(content) ? content : []).flatMap((part) => (isText(part) ? [part.text] : [])).join("\n");
  return { kind: "failed", text, json: kept };
}

function withContent(json: Buffer, drops: (key: string) => boolean): Buffer {
  const members = [...slicesOf(json)].flatMap(({ key = "", start, end }): [string, Buffer][] =>
    drops(key) ? [] : [[key, json.subarray(start, end)]],
  );
  return joinObject(members.some(([key]) => key === "content") ? members : [NO_CONTENT, ...members]);
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(part: unknown): part is { readonly text: string } {
  return isObject(part) && typeof part.text === "string";
}
