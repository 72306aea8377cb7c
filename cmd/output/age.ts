const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** How long something took or takes, in one or two figures and a unit: `12s`, `5m`, `3h`, `2d`. Less than nothing is `0s`. */
export function age(ms: number): string {
  for (const [unit, length] of UNITS) if (ms >= length) return `${Math.floor(ms / length)}${unit}`;
  return `${Math.max(0, Math.floor(ms / 1_000))}s`;
}

/** A time for a table: the minute, in UTC, as ISO 8601 writes it. */
export function minute(time: Date): string {
  return time.toISOString().replace(/:\d\d\.\d+Z$/, "Z");
}
