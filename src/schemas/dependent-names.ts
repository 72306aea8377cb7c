import { _, type Ajv, type KeywordCxt, type KeywordErrorDefinition, stringify } from "ajv";
import { validateSchemaDeps } from "ajv/dist/vocabularies/applicator/dependencies.js";
import { MAX_VIOLATIONS } from "../errors/toolgate-error.js";
import { rewriteCode } from "./keyword-code.js";
import { CHECKS } from "./number-keywords.js";

/** Which properties are asked for beside others, by the names of those. */
export type DependentNames = Readonly<Record<string, readonly string[]>>;

/** A property that is missing, and the one that asks for it. */
export interface MissingName {
  readonly property: string;
  readonly missing: string;
}

/** The properties that an object lacks of those that its others ask for; at most eight. */
export type FindMissing = (data: object) => readonly MissingName[];

/** What the generated code calls the maker of such functions, beside the checks. */
export const FIND_MISSING = "missing names";

/** Makes the function of one keyword's value. */
export function findMissing(names: DependentNames): FindMissing {
  const asking = Object.entries(names);
  return (data) => {
    const found: MissingName[] = [];
    for (const [property, asked] of asking) {
      if (!Object.hasOwn(data, property)) continue;
      for (const missing of asked) {
        if (Object.hasOwn(data, missing)) continue;
        found.push({ property, missing });
        if (found.length === MAX_VIOLATIONS) return found;
      }
    }
    return found;
  };
}

/**
 * Validates `dependentRequired`, and the lists of names in `dependencies`, by a function. Ajv writes all names into the code for each
 * of them: a schema of 6 kB with a thousand names becomes 6 MB of code, which takes seconds to generate.
 */
export function addDependentNames(ajv: Ajv): void {
  for (const keyword of ["dependentRequired", "dependencies"]) {
    const definition = ajv.getKeyword(keyword);
    if (typeof definition !== "object") continue; // of another draft
    definition.error = MISSING; // each Ajv has a definition of its own
    rewriteCode(ajv, keyword, (cxt) => {
      const entries = Object.entries(cxt.schema as Readonly<Record<string, unknown>>); // as the meta-schema has it
      const names = entries.filter(([, value]) => Array.isArray(value) && value.length > 0);
      const schemas = entries.filter(([, value]) => !Array.isArray(value));
      if (names.length > 0) validateNames(cxt, Object.fromEntries(names) as DependentNames);
      if (schemas.length > 0) validateSchemaDeps(cxt, Object.fromEntries(schemas) as never);
    });
  }
}

const MISSING: KeywordErrorDefinition = {
  message: "must have properties that others ask for",
  params: ({ params: { missing } }) => _`{property: ${missing}.property, missingProperty: ${missing}.missing}`,
};

function validateNames(cxt: KeywordCxt, names: DependentNames): void {
  const { gen, data, it } = cxt;
  const code = _`${CHECKS}[${FIND_MISSING}](${stringify(names)})`;
  const find = gen.scopeValue("func", { ref: findMissing(names), code });
  const found = gen.const("found", _`${find}(${data})`);
  if (it.allErrors) {
    gen.forOf("missing", found, (missing) => {
      cxt.setParams({ missing });
      cxt.error();
    });
  } else {
    cxt.setParams({ missing: gen.const("missing", _`${found}[0]`) });
    cxt.fail(_`${found}.length > 0`);
  }
}
