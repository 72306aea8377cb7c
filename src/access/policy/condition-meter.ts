import type { Json } from "../../json/json.js";

/** What a condition may take, in units of about 50 ns: some 2.5 ms on a slow core, whatever its author and the caller think up. */
const BUDGET = 50_000;
/** How much text is compared or searched for one unit, in UTF-16 units. */
const TEXT_PER_UNIT = 64;
/** What an error takes that is thrown and caught. */
const FAULT_UNITS = 40;

/** Why a condition could not be judged. One object for all: an error with a stack takes longer than the condition. */
export const CONDITION_FAULT = Object.freeze(new Error("the condition cannot be judged"));

/** Counts the work of one judgement, and ends it when it is too much. */
export class ConditionMeter {
  #left = BUDGET;

  /** Whether the work was too much: then no error is forgiven. */
  get exhausted(): boolean {
    return this.#left < 0;
  }

  /** @throws CONDITION_FAULT when the work is too much */
  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw CONDITION_FAULT;
  }

  /** Before a text of this length is looked through. @throws as `spend` */
  spendOnText(length: number): void {
    this.spend(1 + length / TEXT_PER_UNIT);
  }

  /** After an error that may be forgiven. @throws as `spend` */
  forgive(): void {
    this.spend(FAULT_UNITS);
  }
}

/**
 * Whether two values are equal, all through. Values of different types are not.
 *
 * @throws CONDITION_FAULT for two maps, and as `ConditionMeter.spend`
 */
export function areEqual(a: Json, b: Json, meter: ConditionMeter): boolean {
  meter.spend(1);
  if (typeof a === "string") {
    if (typeof b !== "string" || a.length !== b.length) return false;
    meter.spendOnText(a.length);
    return a === b;
  }
  if (typeof a !== "object" || a === null) return a === b;
  if (typeof b !== "object" || b === null) return false;
  if (isList(a) || isList(b)) {
    if (!isList(a) || !isList(b) || a.length !== b.length) return false;
    return a.every((item, index) => areEqual(item, b[index] ?? null, meter));
  }
  // The engine lists the keys of an object in one go, however many there are.
  throw CONDITION_FAULT;
}

/** Whether a value is a list; narrows what `Array.isArray` does not. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
