import { isUtf8 } from "node:buffer";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Json } from "../../json/json.js";
import { readJson } from "../../json/read-json.js";
import { printable } from "../server-log.js";

/** The longest document that is read, in bytes. */
export const MAX_DOCUMENT_BYTES: number = 5 * 1_048_576;
/** How deep a document may nest. */
const MAX_DEPTH = 256;
/** How many values and characters a document may have, those that YAML's aliases repeat counted each time. */
const MAX_VALUES = 1_000_000;
const MAX_CHARACTERS = 20_000_000;
/** How often YAML may repeat one anchor, with what is repeated within it; what all of them come to is bounded by the values. */
const MAX_ALIASES = 10_000;

/**
 * Reads a document in JSON or YAML 1.2 (https://yaml.org/spec/1.2.2/), with the merge keys of YAML 1.1. JSON begins with a brace.
 *
 * @param bytes at most 5 MiB of UTF-8.
 * @param name of the document, for messages.
 * @throws ToolgateError INVALID_CONFIG that says what is wrong with it, and where
 */
export async function readDocument(bytes: Buffer, name: string): Promise<Json> {
  if (bytes.length > MAX_DOCUMENT_BYTES) throw refused(name, `is longer than ${MAX_DOCUMENT_BYTES} bytes`);
  if (!isUtf8(bytes)) throw refused(name, "is not UTF-8");
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  const value = /^\s*\{/.test(text) && !/\.ya?ml$/i.test(name) ? readAsJson(text, name) : await readAsYaml(text, name);
  checkSize(value, name);
  return value;
}

function readAsJson(text: string, name: string): Json {
  const read = readJson(Buffer.from(text), { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: MAX_DEPTH });
  if (read.kind === "ok") return read.value;
  throw refused(name, `is not JSON as it must be: ${read.pointer === "" ? "it" : read.pointer} ${read.reason}`);
}

async function readAsYaml(text: string, name: string): Promise<Json> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" });
    const [fault] = document.errors;
    if (fault !== undefined) {
      const { line, col } = lines.linePos(fault.pos[0]);
      throw refused(name, `is not YAML: line ${line}, column ${col}: ${printable(fault.message, 200)}`);
    }
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as Json; // what is no JSON in it is found by the walk that follows
  } catch (error) {
    if (error instanceof ToolgateError) throw error;
    if (error instanceof ReferenceError)
      throw refused(name, "repeats an anchor too often, or one that it does not have");
    if (error instanceof RangeError) throw refused(name, `nests more than ${MAX_DEPTH} levels deep`);
    throw refused(name, `is not YAML: ${printable(error instanceof Error ? error.message : String(error), 200)}`);
  }
}

/** Looks at every value once for each time that it stands there, so that nothing after this meets a document without end. */
function checkSize(document: Json, name: string): void {
  let values = 0;
  let characters = 0;
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value: document, depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next;
    values += 1;
    if (typeof value === "string") characters += value.length;
    if (values > MAX_VALUES || characters > MAX_CHARACTERS) {
      throw refused(
        name,
        `has more than ${MAX_VALUES} values or ${MAX_CHARACTERS} characters, with what its aliases repeat`,
      );
    }
    if (typeof value === "number" && !Number.isFinite(value)) throw refused(name, "has a number that is none of JSON");
    if (typeof value !== "object" || value === null) continue;
    if (depth === MAX_DEPTH) throw refused(name, `nests more than ${MAX_DEPTH} levels deep`);
    if (Object.hasOwn(value, "__proto__")) throw refused(name, "has a key that is never allowed: __proto__");
    for (const inner of Object.values(value)) left.push({ value: inner, depth: depth + 1 });
  }
}

function refused(name: string, why: string): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", `The document ${printable(name, 300)} ${why}.`);
}
