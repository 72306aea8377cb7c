import type { Violation } from "../errors/toolgate-error.js";

/** What a schema says of a value: at most eight violations, with places and rules, never with data or allowed values. */
export type Validation =
  | { readonly kind: "valid" }
  | { readonly kind: "invalid"; readonly violations: readonly Violation[] }
  /** No verdict could be had: the value may be valid or not. `why` is for people, such as "too much waits to be checked". */
  | {
      readonly kind: "inconclusive";
      readonly why: string;
      /** Validating takes more work or memory than it may: it would again. */
      readonly tooCostly?: true;
    };

export const VALID: Validation = { kind: "valid" };

/** No verdict, and why there is none. Another time there may be one. */
export function inconclusive(why: string): Validation {
  return { kind: "inconclusive", why };
}

/** No verdict, since validating takes more work or memory than it may. */
export function tooCostly(why: string): Validation {
  return { kind: "inconclusive", why, tooCostly: true };
}
