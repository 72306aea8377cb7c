/** What validating a value costs at most, in units of roughly 10 ns: per value in it, and per character of its texts. */
export interface CostRates {
  readonly perValue: number;
  readonly perChar: number;
}

/** What a member costs whatever the schema: large objects are hash tables, and going through one takes 300 ns a key. */
const PER_KEY = 30;

/**
 * What validating a JSON value costs at most by these rates; counting ends as soon as the sum is over `enough`. It is done
 * for each value before it is validated, so it allocates nothing.
 */
export function estimateCost(value: unknown, rates: CostRates, enough: number): number {
  let sum = rates.perValue;
  if (typeof value === "string") return sum + value.length * rates.perChar;
  if (typeof value !== "object" || value === null) return sum;
  if (Array.isArray(value)) {
    for (const item of value) {
      sum += estimateCost(item, rates, enough - sum);
      if (sum > enough) return sum;
    }
    return sum;
  }
  const members = value as { readonly [key: string]: unknown }; // an object that is no array
  for (const key in members) {
    sum += PER_KEY + key.length * rates.perChar;
    sum += estimateCost(members[key], rates, enough - sum);
    if (sum > enough) return sum;
  }
  return sum;
}
