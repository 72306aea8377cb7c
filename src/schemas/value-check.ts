import type { ErrorObject, ValidateFunction } from "ajv";
import type { DataValidationCxt } from "ajv/dist/types/index.js";
import { type ExactNumbers, NO_EXACT_NUMBERS, ROOT } from "../json/exact-numbers.js";
import type { CurrentValue } from "./number-checks.js";
import { ReportablePaths } from "./reportable-paths.js";
import { inconclusive, VALID, type Validation } from "./validation.js";
import { violationsOf } from "./violations.js";

/**
 * Values up to this cost are validated a second time for all their violations. Every error is an object of its own, so
 * this also bounds their number: at most about 20,000, some megabytes.
 */
const MAX_EXPLAINED_COST = 50_000;

/** What validates the values of one schema. */
export interface ValueCheckParts {
  /** Stops at the first fault. */
  readonly validate: ValidateFunction;
  /** Collects faults; asked for when the first value is invalid. */
  readonly explain: () => ValidateFunction;
  /** What the keywords of both look values up in. */
  readonly current: CurrentValue;
  /** The properties that the schema names: others are not reported, since they may be data. */
  readonly names: () => ReadonlySet<string>;
  /** Whether numbers are validated as they were written. */
  readonly exactNumbers: boolean;
}

/**
 * Validates values by generated code.
 *
 * Validating stops at the first fault, since collecting all of a large value's takes hundreds of megabytes. A user wants to see more
 * than one, so an invalid value that is small enough is validated again by code that collects up to eight in each loop; the hot path,
 * with valid values, never pays for it.
 */
export class ValueCheck {
  readonly #parts: ValueCheckParts;

  constructor(parts: ValueCheckParts) {
    this.#parts = parts;
  }

  /**
   * @param cost what validating the value costs at most, in units of roughly 10 ns; decides whether more than one fault is reported.
   * @param numbers those that the value's doubles do not hold; without `exactNumbers` they are not looked at.
   */
  check(value: unknown, cost: number, numbers: ExactNumbers = NO_EXACT_NUMBERS): Validation {
    const { validate, explain, current, names, exactNumbers } = this.#parts;
    if (exactNumbers) current.numbers = numbers;
    try {
      // Not truthy, but true: an asynchronous validator would return a promise. The policy refuses those; this is the net.
      if (this.#run(validate, value) === true) return VALID;
      let errors: readonly ErrorObject[] = validate.errors ?? [];
      validate.errors = null; // it would keep a part of the value alive
      if (cost <= MAX_EXPLAINED_COST) {
        const collect = explain();
        this.#run(collect, value);
        errors = collect.errors ?? errors;
        collect.errors = null;
      }
      return { kind: "invalid", violations: violationsOf(errors, new ReportablePaths(value, names())) };
    } catch {
      return inconclusive("its schema leads round in a circle on this value"); // recursion without end
    } finally {
      current.clear();
    }
  }

  #run(validate: ValidateFunction, value: unknown): unknown {
    if (!this.#parts.exactNumbers) return validate(value);
    // A number that is the whole value is looked up too.
    const place = { instancePath: "", parentData: ROOT, parentDataProperty: "", rootData: value, dynamicAnchors: {} };
    return validate(value, place as DataValidationCxt); // Ajv's type has an object with members for the parent
  }
}
