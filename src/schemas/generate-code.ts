import type { Ajv, ValidateFunction } from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";

/**
 * The text of a validator whose Ajv keeps sources; nothing where it needs something that only is in this thread, such as a keyword's
 * function that does not say how it is made. An object literal cannot have "__proto__" for a key, which a schema's data may.
 */
export function codeOf(ajv: Ajv, validate: ValidateFunction): string | undefined {
  try {
    const text = standaloneCode.default(ajv, validate);
    return text.includes("__proto__") ? undefined : text;
  } catch {
    return undefined;
  }
}
