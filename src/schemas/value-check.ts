import type { ErrorObject, ValidateFunction } from "ajv";
import type { DataValidationCxt } from "ajv/dist/types/index.js";
import { type ExactNumbers, NO_EXACT_NUMBERS, ROOT } from "../json/exact-numbers.js";
import type { ValueInHand } from "./number-keywords.js";
import { TellablePlaces } from "./tellable-places.js";
import { unjudged, VALID, type Validation } from "./validation.js";
import { violationsOf } from "./violations.js";

/**
 * Values up to this weight are judged a second time for all their violations. Every error is an object of its own, so
 * this also bounds their number: at most about 20,000, some megabytes.
 */
const EXPLAIN_WEIGHT = 50_000;

/** What judges the values of one schema. */
export interface ValueCheckParts {
  /** Stops at the first fault. */
  readonly judge: ValidateFunction;
  /** Collects faults; asked for when the first value is invalid. */
  readonly explain: () => ValidateFunction;
  /** What the keywords of both look values up in. */
  readonly hand: ValueInHand;
  /** The properties that the schema names: others are not reported, since they may be data. */
  readonly names: () => ReadonlySet<string>;
  /** Whether numbers are judged as they were written. */
  readonly exactNumbers: boolean;
}

/**
 * Judges values by generated code.
 *
 * Judging stops at the first fault, since collecting all of a large value's takes hundreds of megabytes. A user wants to see more
 * than one, so an invalid value that is small enough is judged again by code that collects up to eight in each loop; the hot path,
 * with valid values, never pays for it.
 */
export class ValueCheck {
  readonly #parts: ValueCheckParts;

  constructor(parts: ValueCheckParts) {
    this.#parts = parts;
  }

  /**
   * @param weight what judging the value costs at most, in units of roughly 10 ns; decides whether more than one fault is reported.
   * @param numbers those that the value's doubles do not hold; without `exactNumbers` they are not looked at.
   */
  check(value: unknown, weight: number, numbers: ExactNumbers = NO_EXACT_NUMBERS): Validation {
    const { judge, explain, hand, names, exactNumbers } = this.#parts;
    if (exactNumbers) hand.numbers = numbers;
    try {
      // Not truthy, but true: an asynchronous validator would return a promise. The gate refuses those; this is the net.
      if (this.#run(judge, value) === true) return VALID;
      let errors: readonly ErrorObject[] = judge.errors ?? [];
      judge.errors = null; // it would keep a part of the value alive
      if (weight <= EXPLAIN_WEIGHT) {
        const collect = explain();
        this.#run(collect, value);
        errors = collect.errors ?? errors;
        collect.errors = null;
      }
      return { kind: "invalid", violations: violationsOf(errors, new TellablePlaces(value, names())) };
    } catch {
      return unjudged("its schema leads round in a circle on this value"); // recursion without end
    } finally {
      hand.clear();
    }
  }

  #run(validate: ValidateFunction, value: unknown): unknown {
    if (!this.#parts.exactNumbers) return validate(value);
    // A number that is the whole value is looked up too.
    const place = { instancePath: "", parentData: ROOT, parentDataProperty: "", rootData: value, dynamicAnchors: {} };
    return validate(value, place as DataValidationCxt); // Ajv's type has an object with members for the parent
  }
}
