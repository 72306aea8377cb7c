import { _, type Ajv, type Code, type KeywordCxt } from "ajv";
import type { Json } from "../contract/contract.js";
import { compareDecimals, type Decimal, isMultiple, isWhole, parseDecimal } from "../json/decimal.js";
import type { ExactNumbers } from "../json/exact-numbers.js";
import type { Step } from "../json/pointer.js";
import { areDistinct, areDistinctExactly } from "./distinct-items.js";

/**
 * How keywords judge numbers. A number is the decimal that is written, or that its double is printed as: 0.07 is a multiple of
 * 0.01, which their doubles are not. The doubles of a schema hold its numbers (parse-contract.ts refuses others). Where those of
 * a value do not, a second validator with keywords of its own judges it: it looks up how a number was written. The ordinary
 * one pays nothing for that.
 */

/**
 * Stands for "integer" of `type`, beside it, where numbers are judged as they are written: 9007199254740993.5 is an integer in
 * a double. Ajv builds `type` in, so it cannot be replaced.
 */
export const EXACT_INTEGER = "toolgate-integer";

/** What the exact keywords look numbers up in. Judging does not yield, so one is enough for all values of a validator. */
export interface NumbersInHand {
  numbers: ExactNumbers;
}

/** Keywords that tell numbers apart. */
const LIMITS: Readonly<Record<string, (order: number) => boolean>> = {
  maximum: (order) => order <= 0,
  minimum: (order) => order >= 0,
  exclusiveMaximum: (order) => order < 0,
  exclusiveMinimum: (order) => order > 0,
};

type Check = (data: never, container: unknown, key: Step) => boolean;

/** Teaches an Ajv decimals and linear `uniqueItems`; enough for values whose doubles hold all numbers. */
export function addDecimals(ajv: Ajv): void {
  replaceKeyword(ajv, "multipleOf", (divisor: number): Check => {
    const parsed = parseDecimal(String(divisor));
    return (data: number) => isMultipleOf(data, divisor, parsed);
  });
  replaceUniqueItems(ajv, (items) => areDistinct(items));
}

/** Teaches an Ajv to judge numbers as they were written. */
export function addExactNumbers(ajv: Ajv, hand: NumbersInHand): void {
  const written = (data: number, container: unknown, key: Step): Decimal | undefined =>
    typeof data === "number" ? hand.numbers.get(container, key) : undefined;
  for (const [keyword, holds] of Object.entries(LIMITS)) {
    replaceKeyword(ajv, keyword, (limit: number): Check => {
      const parsed = parseDecimal(String(limit));
      return (data: number, container, key) => {
        const exact = written(data, container, key);
        return holds(exact === undefined ? compare(data, limit) : compareDecimals(exact, parsed));
      };
    });
  }
  replaceKeyword(ajv, "multipleOf", (divisor: number): Check => {
    const parsed = parseDecimal(String(divisor));
    return (data: number, container, key) => {
      const exact = written(data, container, key);
      return exact === undefined ? isMultipleOf(data, divisor, parsed) : isMultiple(exact, parsed);
    };
  });
  replaceKeyword(ajv, "const", (expected: Json): Check => {
    return (data: Json, container, key) => isSame(expected, data, container, key, hand.numbers);
  });
  replaceKeyword(ajv, "enum", (allowed: readonly Json[]): Check => {
    return (data: Json, container, key) =>
      allowed.some((expected) => isSame(expected, data, container, key, hand.numbers));
  });
  replaceUniqueItems(ajv, (items) =>
    hand.numbers.isEmpty ? areDistinct(items) : areDistinctExactly(items, hand.numbers),
  );
  ajv.addKeyword({
    keyword: EXACT_INTEGER,
    type: "number",
    schemaType: "boolean",
    error: { message: "must be integer", params: _`{type: "integer"}` },
    code: (cxt) =>
      callCheck(cxt, (data: number, container, key) => {
        const exact = written(data, container, key);
        return exact === undefined || isWhole(exact);
      }),
  });
}

/** Gives a keyword another judgement, and keeps everything else about it: where it applies, and what its errors say. */
function replaceKeyword<S>(ajv: Ajv, keyword: string, checkOf: (schema: S) => Check): void {
  const definition = ajv.getKeyword(keyword);
  if (typeof definition !== "object") return; // Ajv has all of these
  ajv.removeKeyword(keyword);
  // The schema has passed its meta-schema, so the keyword's value is of its type.
  ajv.addKeyword({ ...definition, keyword, code: (cxt: KeywordCxt) => callCheck(cxt, checkOf(cxt.schema as S)) });
}

function callCheck(cxt: KeywordCxt, check: Check): void {
  const { gen, it, data } = cxt;
  const name: Code = gen.scopeValue("func", { ref: check });
  cxt.fail(_`!${name}(${data}, ${it.parentData}, ${it.parentDataProperty})`);
}

function replaceUniqueItems(ajv: Ajv, areAllDistinct: (items: readonly unknown[]) => boolean): void {
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    errors: false,
    validate: (isOn: boolean, items: readonly unknown[]) => !isOn || areAllDistinct(items),
  });
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

/** Whether any keyword of a schema tells numbers apart, so that how they are written matters. */
export function tellsNumbersApart(schemas: Iterable<{ readonly [key: string]: Json }>): boolean {
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
