import { InvalidArgumentError } from "commander";

/** An option that may be repeated, or given several words separated by commas. */
export function words(value: string, before: readonly string[] | undefined): readonly string[] {
  const more = value
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (more.length === 0) throw new InvalidArgumentError("It needs at least one word.");
  return [...(before ?? []), ...more];
}

/** A whole number within bounds. */
export function integer(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A length of time, in milliseconds: `1500ms`, `30s`, `5m`, `1h`. A bare number is refused: it could mean anything. */
export function duration(value: string): number {
  return milliseconds(value, "1500ms, 30s, 5m or 1h");
}

function milliseconds(value: string, examples: string): number {
  const [, digits, unit] = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(value) ?? [];
  const ms = digits === undefined ? Number.NaN : Math.round(Number(digits) * UNITS[unit as keyof typeof UNITS]); // the pattern allows only these
  if (!(ms >= 1 && ms <= 2 ** 31)) {
    throw new InvalidArgumentError(`It must be a length of time with its unit, such as ${examples}.`);
  }
  return ms;
}

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 3650;

/** A length of time that may be years, in milliseconds: as `duration` takes, or `90d`. */
export function longDuration(value: string): number {
  const [, digits] = /^([0-9]{1,4})d$/.exec(value) ?? [];
  if (digits === undefined) return milliseconds(value, "30s, 5m, 1h or 90d");
  const days = Number(digits);
  if (!(days >= 1 && days <= LONGEST_DAYS)) throw new InvalidArgumentError(`It must be at most ${LONGEST_DAYS}d.`);
  return days * DAY_MS;
}

/** An epoch. */
export const epoch = integer(1, Number.MAX_SAFE_INTEGER);
