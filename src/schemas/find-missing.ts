import { MAX_VIOLATIONS } from "../errors/toolgate-error.js";

/** Which properties are asked for beside others, by the names of those. */
export type DependentNames = Readonly<Record<string, readonly string[]>>;

/** A property that is missing, and the one that asks for it. */
export interface MissingName {
  readonly property: string;
  readonly missing: string;
}

/** The properties that an object lacks of those that its others ask for; at most eight. */
export type FindMissing = (data: object) => readonly MissingName[];

/** What the generated code calls the maker of such functions, beside the checks. */
export const FIND_MISSING = "missing names";

/** Makes the function of one keyword's value. */
export function findMissing(names: DependentNames): FindMissing {
  const asking = Object.entries(names);
  return (data) => {
    const found: MissingName[] = [];
    for (const [property, asked] of asking) {
      if (!Object.hasOwn(data, property)) continue;
      for (const missing of asked) {
        if (Object.hasOwn(data, missing)) continue;
        found.push({ property, missing });
        if (found.length === MAX_VIOLATIONS) return found;
      }
    }
    return found;
  };
}
