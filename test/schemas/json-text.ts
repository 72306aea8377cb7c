import type { Json } from "../../src/json/json.js";
import { type JsonText, readJson } from "../../src/json/read-json.js";

const LIMITS = { maxBytes: 64 * 1_048_576, maxContainers: 1_000_000, maxDistinctKeys: 1_000_000 };

/** A text as it comes from outside. */
export function textOf(json: string): JsonText {
  const read = readJson(Buffer.from(json), LIMITS);
  if (read.kind === "malformed") throw new Error(`Not JSON: ${read.pointer} ${read.reason}`);
  return read;
}

/** A value as it comes from outside. */
export function jsonText(value: Json): JsonText {
  return textOf(JSON.stringify(value));
}
