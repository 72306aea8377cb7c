import { MAX_VIOLATIONS, ToolgateError, type Violation } from "../errors/toolgate-error.js";
import type { DocumentRef } from "./document.js";

/** How many faults a message names; all that an error carries stand in its violations. */
const NAMED = 3;

/**
 * The error of a document that breaks rules of its kind.
 *
 * @param faults at least one; each names a place by its JSON pointer, and the rule, never what stands there.
 */
export function invalidDocument({ kind, name }: DocumentRef, faults: readonly Violation[]): ToolgateError {
  const named = faults.slice(0, NAMED).map(({ field, description }) => `${field || "the document"} ${description}`);
  const more = faults.length > NAMED ? [`and ${faults.length - NAMED} more`] : [];
  return new ToolgateError("INVALID_DOCUMENT", `${kind}/${name}: ${[...named, ...more].join("; ")}`, {
    metadata: { document: `${kind}/${name}` },
    violations: faults.slice(0, MAX_VIOLATIONS),
  });
}
