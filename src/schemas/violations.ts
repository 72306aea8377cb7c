import type { ErrorObject } from "ajv";
import { MAX_VIOLATIONS, type Violation } from "../errors/toolgate-error.js";
import { boundPointer, shortKey } from "../json/pointer.js";
import { EXACT_INTEGER } from "./number-checks.js";
import type { ReportablePaths } from "./reportable-paths.js";

/** How many errors are looked at: many properties that the schema does not know say the same. */
const MAX_EXAMINED = 1_000;

/**
 * Ajv's errors as violations: at most eight, each with the place in the value and the rule that it breaks there.
 *
 * Nothing of the value is reported, nor the values that `enum` and `const` allow, which may be secrets of a tool. Names of properties
 * are given where the schema names them too.
 *
 * @param places what may be said of places; without it everything may, as of a schema that is validated itself.
 */
export function violationsOf(errors: readonly ErrorObject[], places?: ReportablePaths): Violation[] {
  const violations: Violation[] = [];
  const reported = new Set<string>();
  for (const error of errors.slice(0, MAX_EXAMINED)) {
    const violation = violationOf(error, places);
    const key = `${violation.field}\n${violation.description}`;
    if (reported.has(key)) continue;
    reported.add(key);
    violations.push(violation);
    if (violations.length === MAX_VIOLATIONS) break;
  }
  return violations;
}

function violationOf(error: ErrorObject, places: ReportablePaths | undefined): Violation {
  const place = places?.pointer(error.instancePath) ?? error.instancePath;
  const member = (name: string) => boundPointer(`${place}/${places?.member(name) ?? shortKey(name)}`);
  const extra = text(error.params.additionalProperty) ?? text(error.params.unevaluatedProperty);
  if (extra !== undefined) {
    const near = places?.near(extra);
    const hint = near === undefined || near === extra ? "" : `; the schema knows ${quoted(near)}`;
    return { field: member(extra), description: `is not a property that the schema knows${hint}` };
  }
  const named = error.propertyName ?? text(error.params.propertyName);
  if (named !== undefined) {
    const rule = error.keyword === "propertyNames" ? "must fit the schema of property names" : expectation(error);
    return { field: member(named), description: `has a name that breaks a rule: ${rule}` };
  }
  return { field: boundPointer(place), description: expectation(error) };
}

/** What was expected at a place, by keyword; parameters are the schema's, not the value's. */
function expectation({ keyword, params }: ErrorObject): string {
  const limit = Number(params.limit);
  switch (keyword) {
    case "type":
    case EXACT_INTEGER:
      return `must be of type ${[params.type].flat().join(" or ")}`;
    case "required":
      return `must have the property ${quoted(params.missingProperty)}`;
    case "dependentRequired":
    case "dependencies":
      return `must have the property ${quoted(params.missingProperty)} beside ${quoted(params.property)}`;
    case "enum":
      return "must be one of the values that the schema lists";
    case "const":
      return "must be the one value that the schema names";
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return `must be ${params.comparison} ${limit}`;
    case "multipleOf":
      return `must be a multiple of ${Number(params.multipleOf)}`;
    case "minLength":
      return `must have at least ${count(limit, "character")}`;
    case "maxLength":
      return `must have at most ${count(limit, "character")}`;
    case "minItems":
      return `must have at least ${count(limit, "item")}`;
    case "maxItems":
    case "items":
    case "additionalItems":
    case "unevaluatedItems":
      return `must have at most ${count(Number(params.limit ?? params.len), "item")}`;
    case "minProperties":
      return `must have at least ${count(limit, "property", "properties")}`;
    case "maxProperties":
      return `must have at most ${count(limit, "property", "properties")}`;
    case "uniqueItems":
      return "must have no two equal items";
    case "contains": {
      const most = params.maxContains === undefined ? "" : ` and at most ${Number(params.maxContains)}`;
      return `must have at least ${Number(params.minContains ?? 1)}${most} of the items that the schema asks for`;
    }
    case "pattern":
      return `must match the pattern ${quoted(params.pattern)}`;
    case "format":
      return `must be in the format ${quoted(params.format)}`;
    case "propertyNames":
      return "must have property names that fit the schema";
    case "anyOf":
      return "must fit at least one of the schema's alternatives (anyOf)";
    case "oneOf":
      return params.passingSchemas
        ? "must fit only one of the schema's alternatives (oneOf)"
        : "must fit one of the schema's alternatives (oneOf)";
    case "not":
      return "must not fit the schema that is excluded (not)";
    case "if":
      return `must fit what follows from the schema's condition (${quoted(params.failingKeyword)})`;
    case "false schema":
      return "is not allowed here";
    default:
      return `must fit the keyword ${quoted(keyword)}`;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A word of the schema, cut, without what would disturb a terminal. */
function quoted(word: unknown): string {
  return `"${shortKey(String(word))
    .replaceAll("~1", "/")
    .replaceAll("~0", "~")
    .replace(/[\p{C}\u2028\u2029]/gu, "\ufffd")}"`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
