import { isUtf8 } from "node:buffer";
import { createReadStream, fstatSync } from "node:fs";
import { UsageError } from "../output/failure.js";
import type { Output } from "../output/output.js";
import { findJsonFault } from "./json-fault.js";
import type { Pair } from "./payload-pairs.js";

/** Where a call's payload is to come from. */
export interface PayloadSource {
  /** What stands after the tool: JSON, `@file`, `-` for stdin, or pairs. Stdin is read too when there is nothing and something is piped in. */
  readonly words: readonly string[];
  /** Of --file. */
  readonly file: string | undefined;
}

/** What was given. */
export type Payload =
  | { readonly kind: "none" }
  /** One JSON value, byte for byte. */
  | { readonly kind: "json"; readonly bytes: Uint8Array }
  /** The members of an object; what their texts stand for the tool's schema says. */
  | { readonly kind: "pairs"; readonly pairs: readonly Pair[] };

/** The largest payload that any registry takes, in bytes (TOOLGATE_MAX_PAYLOAD_BYTES): nothing beyond it is read. */
const MAX_BYTES = 33_554_432;

/** A text that begins as JSON does, and so is no pair. */
const BEGINS_AS_JSON = /^\s*([{["]|-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*$|(true|false|null)\s*$|$)/;

/** A key, which may have `\=` in it; whether JSON follows; what follows. */
const PAIR = /^((?:[^=\\]|\\.)*?)(:?)=(.*)$/s;

/**
 * Reads the payload. What is JSON is kept as it was given, byte for byte, once it is known to be JSON.
 * @throws UsageError with the place of the fault, when it is not what it should be
 */
export async function readPayload({ words, file }: PayloadSource, output: Output): Promise<Payload> {
  const [first] = words;
  if (first !== undefined && file !== undefined) {
    throw new UsageError("The payload is given twice: as an argument and by --file.", "Leave one of them out.");
  }
  if (file !== undefined) return json(await contentOf(file, "The payload's file"), file);
  if (first === undefined) {
    if (!isInputPiped()) return { kind: "none" };
    const bytes = await stdin(output);
    // A pipe that was left open and empty (cron, CI) is no payload, unless it was asked for.
    return bytes.length === 0 ? { kind: "none" } : json(bytes, "stdin");
  }
  if (words.length === 1) {
    if (first === "-" || first === "@-") return json(await stdin(output), "stdin");
    if (first.startsWith("@")) return json(await contentOf(first.slice(1), "The payload's file"), first.slice(1));
    if (BEGINS_AS_JSON.test(first) || !PAIR.test(first)) return json(Buffer.from(first), "the argument");
  }
  const pairs: Pair[] = [];
  for (const word of words) pairs.push(await readPair(word, output));
  return { kind: "pairs", pairs };
}

async function readPair(word: string, output: Output): Promise<Pair> {
  const [, name = "", colon, value = ""] = PAIR.exec(word) ?? [];
  const key = name.replace(/\\=/g, "=");
  const shown = JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
  if (BEGINS_AS_JSON.test(word)) {
    throw new UsageError(
      `The payload is in several pieces, of which one is ${shown}.`,
      "Put JSON between single quotes, or give pairs alone: key=text, key:=json; nothing was called.",
    );
  }
  if (key === "") {
    throw new UsageError(
      `${shown} is no pair.`,
      'Pairs are key=text, key:=json, key=@file and key:=@file; a text with spaces needs quotes, as in "key=two words". Nothing was called.',
    );
  }
  const origin = `${key}${colon}=@`;
  const text = value.startsWith("@") ? utf8(await fileOrStdin(value.slice(1), origin, output), origin) : value;
  if (colon !== ":") return { key, value: { kind: "text", text } };
  checkJson(text, value.startsWith("@") ? value.slice(1) : key);
  return { key, value: { kind: "json", json: text } };
}

async function fileOrStdin(path: string, origin: string, output: Output): Promise<Buffer> {
  return path === "-" ? await stdin(output) : await contentOf(path, `The file of ${origin}`, origin);
}

function json(bytes: Buffer, origin: string): Payload {
  checkJson(utf8(bytes, origin), origin);
  return { kind: "json", bytes };
}

function utf8(bytes: Buffer, origin: string): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new UsageError(`The payload from ${origin} is not UTF-8.`, "Send it as UTF-8; nothing was called.");
}

function checkJson(text: string, origin: string): void {
  const fault = findJsonFault(text);
  if (fault === undefined) return;
  const { line, column, expected, found } = fault;
  throw new UsageError(
    `The payload from ${origin} is not JSON: line ${line}, column ${column}: expected ${expected}, found ${found}.`,
    "Correct it; nothing was called. In a shell, put JSON between single quotes, or give pairs such as key=text.",
  );
}

async function contentOf(path: string, what: string, origin?: string): Promise<Buffer> {
  try {
    return await readAll(createReadStream(path), what);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const literal =
      origin === undefined ? "" : ` A text that begins with @ is written as ${origin.replace(/:?=@$/, "")}:='"@…"'.`;
    throw new UsageError(`${what} cannot be read: ${why}.`, `Check the path; nothing was called.${literal}`);
  }
}

async function stdin(output: Output): Promise<Buffer> {
  return await output.withProgress("Reading the payload from stdin", () => readAll(process.stdin, "Stdin"));
}

/** A terminal, /dev/null and the like hold nothing for us. */
function isInputPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false; // stdin is closed
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BYTES) {
      throw new UsageError(
        `${what} has more than ${MAX_BYTES} bytes, the most that a payload may have.`,
        "Send less, or send a reference to the data; nothing was called.",
      );
    }
  }
  return Buffer.concat(chunks);
}
