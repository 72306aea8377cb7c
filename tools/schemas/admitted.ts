import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonSchema } from "../../src/contract/contract.js";
import { draftOf } from "../../src/contract/draft.js";
import type { Json } from "../../src/json/json.js";
import { inspectSchema } from "../../src/schemas/inspect-schema.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";
import { bundle } from "../../src/sdk/schema-bundle.js";

/** What became of one schema. */
export interface CheckedSchema {
  readonly file: string;
  readonly draft: string;
  /** It refers to other documents, which a provider's SDK bundles; a registry refuses it as it is. */
  readonly external: boolean;
  /** Why it is refused; nothing where it is admitted. */
  readonly reason: string | undefined;
}

/**
 * Judges every JSON Schema below a folder as a registration does, with the limits that nodes have by default.
 * What is not JSON, or neither an object nor a boolean, is passed over: it is no schema.
 */
export function checkFolder(folder: string): CheckedSchema[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  return files.sort().flatMap((file) => {
    const bytes = readFileSync(join(folder, file));
    const schema = schemaIn(bytes);
    return schema === undefined ? [] : [checkSchema(file, bytes.length, schema)];
  });
}

function schemaIn(bytes: Buffer): JsonSchema | undefined {
  try {
    const value = JSON.parse(bytes.toString()) as Json;
    const isSchema = typeof value === "boolean" || (typeof value === "object" && value !== null && "$schema" in value);
    return isSchema ? (value as JsonSchema) : undefined; // a value of one of the two kinds that schemas are of
  } catch {
    return undefined;
  }
}

function checkSchema(file: string, bytes: number, schema: JsonSchema): CheckedSchema {
  const draft = draftOf(schema);
  const external = bundle(schema, {}).kind === "missing";
  const checked = { file, draft: draft.kind === "known" ? draft.draft : "unknown", external };
  const { maxBytes } = DEFAULT_SCHEMA_LIMITS;
  if (bytes > maxBytes) return { ...checked, reason: `must be at most ${maxBytes} bytes long` };
  const inspected = inspectSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats: false, exactNumbers: false });
  return { ...checked, reason: inspected.kind === "faulty" ? inspected.faults[0]?.reason : undefined };
}

/** How many of those without references to other documents are admitted, from 0 to 1; 1 where there are none. */
export function admittedShare(checked: readonly CheckedSchema[]): number {
  const whole = checked.filter(({ external }) => !external);
  return whole.length === 0 ? 1 : whole.filter(({ reason }) => reason === undefined).length / whole.length;
}
