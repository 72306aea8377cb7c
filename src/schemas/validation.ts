import type { Violation } from "../errors/toolgate-error.js";

/** What a schema says of a value: at most eight violations, with places and rules, never with data or allowed values. */
export type Validation =
  | { readonly kind: "valid" }
  | { readonly kind: "invalid"; readonly violations: readonly Violation[] };

export const VALID: Validation = { kind: "valid" };

/** A single violation. */
export function invalid(field: string, description: string): Validation {
  return { kind: "invalid", violations: [{ field, description }] };
}
