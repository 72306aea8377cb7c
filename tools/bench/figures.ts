/** A figure's unit; `×` is a ratio to a baseline of the same run. */
export type Unit = "×" | "ms" | "B" | "KB" | "MiB" | "%" | "/s" | "µs" | "s" | "";

/** What a figure should be. */
export interface Target {
  /** Which way is better. */
  readonly better: "higher" | "lower";
  /** It must be this good. */
  readonly least: number;
  /** It is hoped to be this good. */
  readonly aim?: number;
}

/** One thing that was measured, several times. */
export interface Figure {
  /** Stable from run to run, for comparisons: `calls/session-vs-echo@64`. */
  readonly id: string;
  /** What it is, for people. */
  readonly what: string;
  readonly unit: Unit;
  /** One value per repetition. */
  readonly values: readonly number[];
  readonly target?: Target;
}

export type Verdict = "aim" | "met" | "missed";

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and spread; of no values at all, NaN. */
export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Whether a figure is as it should be, by its median; undefined without a target or a value. */
export function verdict({ values, target }: Figure): Verdict | undefined {
  const { median } = summarise(values);
  if (target === undefined || Number.isNaN(median)) return undefined;
  const reaches = (bound: number): boolean => (target.better === "higher" ? median >= bound : median <= bound);
  if (!reaches(target.least)) return "missed";
  return target.aim !== undefined && reaches(target.aim) ? "aim" : "met";
}

/** Whether each repetition would have been judged alike; otherwise the verdict is the noise's as much as the figure's. */
export function isSure({ values, target }: Figure): boolean {
  const { min, max } = summarise(values);
  return target === undefined || values.length < 2 || target.least <= min || target.least >= max;
}

/** The values of two series, pair by pair: what was measured one after the other is compared. */
export function paired(
  left: readonly number[],
  right: readonly number[],
  combine: (left: number, right: number) => number,
): number[] {
  return left.slice(0, right.length).map((value, index) => combine(value, right[index] ?? Number.NaN));
}

export const ratio = (left: number, right: number): number => left / right;
export const difference = (left: number, right: number): number => left - right;
