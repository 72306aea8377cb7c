import type { RawJson } from "../../src/index.js";
import { jsonText } from "./json.js";
import { oneLine, safeLines } from "./text-width.js";

/**
 * A call's result for people. What an MCP tool gives is shown as its content says: texts as texts, and a line for everything
 * else (https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool-result). All other results are JSON.
 */
export function resultText(result: RawJson): string {
  const parts = contentOf(result.parse());
  return parts === undefined ? jsonText(result) : parts.map(partText).join("\n");
}

type Part = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Members that the answer of an MCP tool has, and nothing else. */
const OF_MCP = new Set(["content", "structuredContent", "isError", "_meta"]);

/** The content of an MCP answer; undefined when the result is something else, or says nothing there. */
function contentOf(result: unknown): readonly Part[] | undefined {
  if (!isObject(result) || !Array.isArray(result.content) || result.content.length === 0) return undefined;
  if (!Object.keys(result).every((name) => OF_MCP.has(name))) return undefined;
  return result.content.every(isPart) ? result.content : undefined;
}

function partText(part: Part): string {
  switch (part.type) {
    case "text":
      return safeLines(String(part.text ?? ""));
    case "image":
    case "audio":
      return `[${part.type}${mime(part)}, ${bytesOf(part.data)} bytes; --raw has it]`;
    case "resource_link":
      return `[link${mime(part)}: ${oneLine(String(part.title ?? part.name ?? ""))} ${oneLine(String(part.uri ?? ""))}]`;
    case "resource": {
      const resource = isObject(part.resource) ? part.resource : {};
      if (typeof resource.text === "string") return safeLines(resource.text);
      return `[resource${mime(resource)}: ${oneLine(String(resource.uri ?? ""))}, ${bytesOf(resource.blob)} bytes; --raw has it]`;
    }
    default:
      return jsonText(part);
  }
}

function mime({ mimeType }: Readonly<Record<string, unknown>>): string {
  return typeof mimeType === "string" ? ` ${oneLine(mimeType)}` : "";
}

/** How many bytes a text in base64 stands for. */
function bytesOf(base64: unknown): number {
  return typeof base64 === "string" ? Buffer.byteLength(base64, "base64") : 0;
}

function isPart(value: unknown): value is Part {
  return isObject(value) && typeof value.type === "string";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
