/** A place in a document: a step and what it is a step from; undefined is the document itself. */
export type Place = { readonly step: string; readonly within: Place } | undefined;

/** The place of a member or of an item. */
export function placeIn(within: Place, step: string | number): Place {
  return { step: String(step), within };
}

/** The steps to a place. */
export function stepsTo(place: Place): string[] {
  const steps: string[] = [];
  for (let at = place; at !== undefined; at = at.within) steps.unshift(at.step);
  return steps;
}

/**
 * Thrown where a part of a document cannot be used, and caught where the operation, or its result schema, is left out with that
 * reason.
 */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

/** What a piece of code makes, or why a document does not allow it. */
export function usable<T>(
  make: () => T,
): { readonly kind: "made"; readonly value: T } | { readonly kind: "unusable"; readonly why: string } {
  try {
    return { kind: "made", value: make() };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return { kind: "unusable", why: error.message };
  }
}
