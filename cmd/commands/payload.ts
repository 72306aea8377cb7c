import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { UsageError } from "../output/failure.js";
import type { Output } from "../output/output.js";
import { findJsonFault } from "./json-fault.js";

/** Where a call's payload is to come from: an argument (`-` for stdin), a file, or stdin when something is piped in. */
export interface PayloadSource {
  readonly argument: string | undefined;
  readonly file: string | undefined;
}

/**
 * The payload as it was given, byte for byte, once it is known to be JSON; undefined when there is none.
 * @throws UsageError with the place of the fault, when it is not JSON
 */
export async function readPayload({ argument, file }: PayloadSource, output: Output): Promise<Uint8Array | undefined> {
  if (argument !== undefined && file !== undefined) {
    throw new UsageError("The payload is given twice: as an argument and by --file.", "Leave one of them out.");
  }
  if (file !== undefined) return checked(await readPayloadFile(file), file);
  if (argument !== undefined && argument !== "-") return checked(Buffer.from(argument), "the argument");
  if (argument === undefined && !somethingIsPipedIn()) return undefined;
  const bytes = await output.during("Reading the payload from stdin", () => readAll(process.stdin));
  // A pipe that somebody left open and empty (cron, CI) is no payload, unless it was asked for.
  if (argument === undefined && bytes.length === 0) return undefined;
  return checked(bytes, "stdin");
}

function checked(bytes: Buffer, origin: string): Uint8Array {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`The payload from ${origin} is not UTF-8.`, "Send it as UTF-8; nothing was called.");
  }
  const fault = findJsonFault(text);
  if (fault === undefined) return bytes;
  const { line, column, expected, found } = fault;
  throw new UsageError(
    `The payload from ${origin} is not JSON: line ${line}, column ${column}: expected ${expected}, found ${found}.`,
    "Correct it; nothing was called. In a shell, put JSON between single quotes.",
  );
}

async function readPayloadFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The payload's file cannot be read: ${why}.`, "Check the path; nothing was called.");
  }
}

/** A terminal, /dev/null and the like hold nothing for us. */
function somethingIsPipedIn(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false; // stdin is closed
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
