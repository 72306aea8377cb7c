import { _, type Ajv, KeywordCxt } from "ajv";
import { rewriteCode } from "./keyword-code.js";

/** Keywords that hold a schema for each of the first items. */
const TUPLES = ["prefixItems", "items"];

/**
 * Goes on after the schemas of the first items also where an array has fewer. Ajv takes the verdict on an item that is not there,
 * which is undefined, for a fault that was reported, and so leaves out what comes next: `contains` and `uniqueItems`.
 */
export function continueAfterShortTuples(ajv: Ajv): void {
  for (const keyword of TUPLES) {
    rewriteCode(ajv, keyword, (cxt, code) => {
      if (Array.isArray(cxt.schema))
        cxt.ok = (condition) =>
          KeywordCxt.prototype.ok.call(cxt, typeof condition === "boolean" ? condition : _`${condition} !== false`);
      code();
    });
  }
}
