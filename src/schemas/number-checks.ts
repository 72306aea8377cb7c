import { compareDecimals, type Decimal, isMultiple, isWhole, parseDecimal } from "../json/decimal.js";
import { type ExactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { Json } from "../json/json.js";
import type { Step } from "../json/pointer.js";
import { Identities } from "./distinct-items.js";

/**
 * How keywords validate numbers. A number is the decimal that is written, or that its double is printed as: 0.07 is a multiple of
 * 0.01, which their doubles are not. The doubles of a schema hold its numbers (parse-contract.ts refuses others). Where those of
 * a value do not, a second validator with keywords of its own validates it: it looks up how a number was written. The ordinary
 * one pays nothing for that.
 */

/**
 * Stands for "integer" of `type`, beside it, where numbers are validated as they are written: 9007199254740993.5 is an integer in
 * a double. Ajv builds `type` in, so it cannot be replaced.
 */
export const EXACT_INTEGER = "toolgate-integer";

/** What keywords look up about the value that is validated. Validating does not yield, so one is enough for all values of a validator. */
export class CurrentValue {
  numbers: ExactNumbers = NO_EXACT_NUMBERS;
  readonly identities: Identities = new Identities();

  /** Lets go of the value. */
  clear(): void {
    this.numbers = NO_EXACT_NUMBERS;
    this.identities.clear();
  }
}

/** Whether a value, at its place in what contains it, is as a keyword asks. */
export type Check = (data: never, container: unknown, key: Step) => boolean;

/**
 * The functions that validate by keywords, each made from the keyword's value. Code that Ajv generated calls them by these names, so
 * that it can be run in another thread than the one that generated it.
 */
export type Checks = Readonly<Record<string, (schema: never) => Check>>;

/** Keywords that tell numbers apart. */
const LIMITS: Readonly<Record<string, (order: number) => boolean>> = {
  maximum: (order) => order <= 0,
  minimum: (order) => order >= 0,
  exclusiveMaximum: (order) => order < 0,
  exclusiveMinimum: (order) => order > 0,
};

/**
 * Decimals, linear `uniqueItems`, and a comparison of objects that asks none of their members for a method, as Ajv's does of one that
 * is called "toString"; enough for values whose doubles hold all numbers.
 */
export function decimalChecks(current: CurrentValue): Checks {
  return {
    multipleOf: (divisor: number) => {
      const parsed = parseDecimal(String(divisor));
      return (data: number) => isMultipleOf(data, divisor, parsed);
    },
    const: (expected: Json) => (data: Json, container, key) => isSame(expected, data, container, key, NO_EXACT_NUMBERS),
    enum: (allowed: readonly Json[]) => (data: Json, container, key) =>
      allowed.some((expected) => isSame(expected, data, container, key, NO_EXACT_NUMBERS)),
    uniqueItems: (isOn: boolean) => (items: readonly unknown[]) => !isOn || current.identities.areDistinct(items),
  };
}

/** Numbers as they were written. */
export function exactChecks(current: CurrentValue): Checks {
  const written = (data: number, container: unknown, key: Step): Decimal | undefined =>
    typeof data === "number" ? current.numbers.get(container, key) : undefined;
  const limits = Object.entries(LIMITS).map(([keyword, holds]) => {
    const checkOf = (limit: number): Check => {
      const parsed = parseDecimal(String(limit));
      return (data: number, container, key) => {
        const exact = written(data, container, key);
        return holds(exact === undefined ? compare(data, limit) : compareDecimals(exact, parsed));
      };
    };
    return [keyword, checkOf] as const;
  });
  return {
    ...Object.fromEntries(limits),
    multipleOf: (divisor: number) => {
      const parsed = parseDecimal(String(divisor));
      return (data: number, container, key) => {
        const exact = written(data, container, key);
        return exact === undefined ? isMultipleOf(data, divisor, parsed) : isMultiple(exact, parsed);
      };
    },
    const: (expected: Json) => (data: Json, container, key) => isSame(expected, data, container, key, current.numbers),
    enum: (allowed: readonly Json[]) => (data: Json, container, key) =>
      allowed.some((expected) => isSame(expected, data, container, key, current.numbers)),
    uniqueItems: (isOn: boolean) => (items: readonly unknown[]) =>
      !isOn || current.identities.areDistinct(items, current.numbers),
    [EXACT_INTEGER]: () => (data: number, container, key) => {
      const exact = written(data, container, key);
      return exact === undefined || isWhole(exact);
    },
  };
}

/** Of two doubles; by the decimals only where a remainder does not tell. */
function isMultipleOf(data: number, divisor: number, parsed: Decimal): boolean {
  if (Number.isSafeInteger(data) && Number.isSafeInteger(divisor)) return data % divisor === 0;
  return isMultiple(parseDecimal(String(data)), parsed);
}

function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}

/** Whether a value is the one that the schema names, whose numbers all are in their doubles. */
function isSame(expected: Json, data: Json, container: unknown, key: Step, numbers: ExactNumbers): boolean {
  if (typeof expected !== "object" || expected === null)
    return expected === data && (typeof data !== "number" || numbers.get(container, key) === undefined);
  if (typeof data !== "object" || data === null || Array.isArray(expected) !== Array.isArray(data)) return false;
  const keys = Object.keys(expected);
  if (keys.length !== Object.keys(data).length) return false;
  const wanted = expected as { readonly [key: string]: Json }; // an array is read by its indices
  const given = data as { readonly [key: string]: Json };
  return keys.every(
    (each) => Object.hasOwn(given, each) && isSame(wanted[each] ?? null, given[each] ?? null, data, each, numbers),
  );
}

/** Whether any keyword of a schema distinguishes numbers, so that how they are written matters. */
export function needsExactNumbers(schemas: Iterable<{ readonly [key: string]: Json }>): boolean {
  for (const schema of schemas) {
    for (const [keyword, value] of Object.entries(schema)) {
      if (Object.hasOwn(LIMITS, keyword) || keyword === "multipleOf" || keyword === "uniqueItems") return true;
      if (keyword === "type" && [value].flat().includes("integer")) return true;
      if ((keyword === "const" || keyword === "enum") && hasNumber(value)) return true;
    }
  }
  return false;
}

function hasNumber(value: Json): boolean {
  if (typeof value !== "object" || value === null) return typeof value === "number";
  return Object.values(value).some(hasNumber);
}
