import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { affectsValidation } from "../../src/contract/parse-contract.js";
import type { JsonSchema } from "../../src/index.js";
import { firstInexact } from "../../src/json/exact-numbers.js";
import { readJson } from "../../src/json/read-json.js";
import { UsageError } from "../output/failure.js";

/** A schema in a file, and the address that references to it and from it count by. */
export interface SchemaFile {
  readonly uri: string;
  readonly schema: JsonSchema;
}

/** The largest file that is read, in bytes: far more than a gateway takes, since a bundle has only what is referred to. */
const MAX_BYTES = 16 * 1_048_576;
/** `address=file`, where an address begins with its scheme. */
const WITH_ADDRESS = /^([A-Za-z][A-Za-z0-9+.-]+:.*)=([^=]+)$/s;

/**
 * Reads schemas that others refer to.
 *
 * @param given files, or `address=file` for one that is referred to by another address than its path or its `$id`.
 * @throws UsageError when one cannot be read, or is no schema.
 */
export async function readSchemaDocuments(given: readonly string[]): Promise<Readonly<Record<string, JsonSchema>>> {
  const files = await Promise.all(
    given.map(async (word) => {
      const [, address, file] = WITH_ADDRESS.exec(word) ?? [];
      const read = await readSchemaFile(file ?? word);
      return [address ?? read.uri, read.schema] as const;
    }),
  );
  return Object.fromEntries(files);
}

/** Reads one schema. @throws UsageError */
export async function readSchemaFile(path: string): Promise<SchemaFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The schema ${path} cannot be read: ${why}.`, "Check the path.");
  }
  const read = readJson(bytes, { maxBytes: MAX_BYTES, maxDepth: 512 });
  if (read.kind === "malformed") {
    const place = read.pointer === "" ? "it" : read.pointer;
    throw new UsageError(`The schema ${path} is not JSON: ${place} ${read.reason}.`, "Correct the file.");
  }
  const inexact = read.longNumbers ? firstInexact(bytes, affectsValidation) : undefined;
  if (inexact !== undefined) {
    throw new UsageError(
      `The schema ${path} has, at ${inexact.pointer}, a number that a double does not hold.`,
      `Write a number that one holds, such as ${inexact.nearest}; gateways take no other.`,
    );
  }
  const schema = read.value;
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null || Array.isArray(schema))) {
    throw new UsageError(`The schema ${path} is neither an object nor a boolean.`, "Name a JSON Schema.");
  }
  return { uri: pathToFileURL(resolve(path)).href, schema: schema as JsonSchema }; // an object or a boolean, as just seen
}
