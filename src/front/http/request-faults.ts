import type { ErrorObject } from "ajv";
import type { Violation } from "../../errors/toolgate-error.js";

/** The parts of a request as its faults name them. */
const PARTS: Readonly<Record<string, string>> = {
  querystring: "query",
  params: "path",
  headers: "headers",
  body: "body",
};
/** The most members that a fault names, of those that there are; and the most characters of one that there is not. */
const MOST_NAMED = 32;
const MOST_CHARACTERS = 64;

/**
 * What is wrong with a part of a request, by the routes' own schemas: these are public, so what they allow is said. Of what was sent
 * nothing is but the name of a member that there is not.
 *
 * @param part as fastify calls it: `querystring`
 * @param errors of a validator that is `verbose`
 */
export function requestFaults(part: string, errors: readonly ErrorObject[]): Violation[] {
  const faults: Violation[] = [];
  const chosen = new Map<string, unknown[]>();
  for (const { keyword, instancePath, params } of errors) {
    if (keyword !== "const") continue;
    const values = chosen.get(instancePath) ?? [];
    values.push(params.allowedValue);
    chosen.set(instancePath, values);
  }
  const told = new Set<string>();
  for (const error of errors) {
    const { keyword, instancePath } = error;
    const values = chosen.get(instancePath);
    // A choice is an `anyOf` of constants, each of which fails by itself.
    if (values !== undefined && (keyword === "const" || keyword === "anyOf")) {
      if (told.has(instancePath)) continue;
      told.add(instancePath);
      faults.push({ field: fieldOf(part, instancePath), description: oneOf(values) });
      continue;
    }
    faults.push({ field: fieldOf(part, instancePath), description: describe(error) });
  }
  return faults;
}

const fieldOf = (part: string, instancePath: string): string => `${PARTS[part] ?? part}${instancePath}`;

function describe({ keyword, message, params, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case "enum":
      return oneOf(params.allowedValues);
    case "additionalProperties": {
      const known = Object.keys((parentSchema?.properties as object | undefined) ?? {});
      return `has no ${quoted(params.additionalProperty)}${known.length === 0 ? "" : `, but ${listed(known)}`}`;
    }
    case "minLength":
      return params.limit === 1 ? "must not be empty" : (message ?? "is too short");
    default:
      return message ?? "does not fit";
  }
}

function oneOf(values: readonly unknown[]): string {
  return `must be ${values.length === 1 ? "" : "one of "}${listed(values)}`;
}

const listed = (values: readonly unknown[]): string => values.slice(0, MOST_NAMED).map(String).join(", ");
const quoted = (name: unknown): string => JSON.stringify(String(name).slice(0, MOST_CHARACTERS));
