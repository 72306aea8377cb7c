import { _, type Ajv, type KeywordCxt, Name, stringify } from "ajv";
import { type Check, type Checks, EXACT_INTEGER } from "./number-checks.js";

/* Teaches Ajv to validate numbers by the functions of `number-checks.ts`. Only what generates code loads this: Ajv is large. */

/** What Ajv's generated code calls the table of checks. */
export const CHECKS = new Name("checks");

/**
 * Teaches an Ajv to validate by these checks; everything else about a keyword stays: where it applies, and what its errors say.
 *
 * @param exactNumbers whether they validate numbers as they were written; otherwise Ajv compares texts and numbers itself, in place.
 */
export function addChecks(ajv: Ajv, checks: Checks, exactNumbers: boolean): void {
  for (const [keyword, checkOf] of Object.entries(checks)) {
    const definition = ajv.getKeyword(keyword);
    // The schema has passed its meta-schema, so the keyword's value is of its type.
    const code = (cxt: KeywordCxt) => callCheck(cxt, keyword, checkOf(cxt.schema as never));
    if (keyword === EXACT_INTEGER) {
      const error = { message: "must be integer", params: _`{type: "integer"}` };
      ajv.addKeyword({ keyword, type: "number", schemaType: "boolean", error, code });
    } else if (typeof definition === "object") {
      ajv.removeKeyword(keyword);
      // Ajv's own error of `uniqueItems` names two places; only the rule is reported here.
      const error = keyword === "uniqueItems" ? { message: "must have no two equal items" } : definition.error;
      const comparesInPlace = !exactNumbers && (keyword === "const" || keyword === "enum") && "code" in definition;
      ajv.addKeyword({
        ...definition,
        ...(error === undefined ? {} : { error }),
        keyword,
        code: (cxt, ruleType) =>
          comparesInPlace && !hasContainer(keyword, cxt.schema) ? definition.code(cxt, ruleType) : code(cxt),
      });
    }
  }
}

/** Whether `const` or `enum` names an object or an array. */
function hasContainer(keyword: string, schema: unknown): boolean {
  const named: readonly unknown[] = keyword === "enum" ? (schema as readonly unknown[]) : [schema]; // as the meta-schema has it
  return named.some((value) => typeof value === "object" && value !== null);
}

function callCheck(cxt: KeywordCxt, keyword: string, check: Check): void {
  const { gen, it, data } = cxt;
  const name = gen.scopeValue("func", { ref: check, code: _`${CHECKS}[${keyword}](${stringify(cxt.schema)})` });
  cxt.fail(_`!${name}(${data}, ${it.parentData}, ${it.parentDataProperty})`);
}
