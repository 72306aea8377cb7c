import type { JsonSchema } from "../contract/contract.js";
import { mapReferences } from "./embed-schema.js";

/**
 * Takes a schema out of the one that it was embedded in: what `embedSchema` did, undone. References to places outside of it stay as they
 * are, and lead nowhere.
 *
 * @param schema the embedded schema
 * @param pointer where it stands, as a JSON pointer fragment such as `#/properties/a`
 * @param dialect the `$schema` of the one around it; undefined where it names none
 */
export function extractSchema(schema: JsonSchema, pointer: string, dialect: string | undefined): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const whole = dialect === undefined ? schema : { $schema: dialect, ...schema };
  return mapReferences(whole, (reference) =>
    reference === pointer || reference.startsWith(`${pointer}/`) ? `#${reference.slice(pointer.length)}` : reference,
  );
}
