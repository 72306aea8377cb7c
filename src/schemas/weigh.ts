/** What judging a value costs at most, in units of roughly 10 ns: per value in it, and per character of its texts. */
export interface Rates {
  readonly perValue: number;
  readonly perChar: number;
}

/** What judging a value costs at most by these rates; counting ends as soon as the sum is over `enough`. */
export function weigh(value: unknown, rates: Rates, enough: number): number {
  let sum = rates.perValue;
  if (typeof value === "string") return sum + value.length * rates.perChar;
  if (typeof value !== "object" || value === null) return sum;
  if (Array.isArray(value)) {
    for (const item of value) {
      sum += weigh(item, rates, enough - sum);
      if (sum > enough) return sum;
    }
    return sum;
  }
  for (const [key, member] of Object.entries(value)) {
    sum += key.length * rates.perChar + weigh(member, rates, enough - sum);
    if (sum > enough) return sum;
  }
  return sum;
}
