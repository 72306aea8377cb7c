import { _, type Ajv, type KeywordCxt, type KeywordErrorDefinition, stringify } from "ajv";
import { validateSchemaDeps } from "ajv/dist/vocabularies/applicator/dependencies.js";
import { type DependentNames, FIND_MISSING, findMissing } from "./find-missing.js";
import { rewriteCode } from "./keyword-code.js";
import { CHECKS } from "./number-keywords.js";

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
