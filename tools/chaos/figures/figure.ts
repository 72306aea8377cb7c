import { summarise, type Times } from "../recovery.js";

/** One row of the proof: what was promised, and what was measured. */
export interface Figure {
  /** What it says, such as `next ping after the pinger is killed`. */
  readonly what: string;
  /** What is to be reached, for people. */
  readonly target: string;
  /** What was measured, for people. */
  readonly measured: string;
  /** Whether the target was reached; undefined where there is none, and the row is there for contrast. */
  readonly met: boolean | undefined;
  /** What was counted: how many kills, calls, rounds. */
  readonly counted: string;
  /** The measured times, where some were. */
  readonly times?: Times;
  /** What speaks against it, for finding the cause. */
  readonly against: readonly string[];
}

/** How many reasons against a figure are kept. */
const MAX_AGAINST = 10;

export interface TimeFigure {
  readonly what: string;
  /** The longest that each time may be, in milliseconds. */
  readonly boundMs: number;
  /** What the bound is made of: `claim lease 3 s + 1 s`. */
  readonly because: string;
  readonly timesMs: readonly number[];
  /** The fewest times that were to be measured. */
  readonly atLeast: number;
  readonly counted: string;
  readonly against?: readonly string[];
}

/** A figure that is met when every time is within the bound, enough were measured, and nothing speaks against it. */
export function timeFigure({ what, boundMs, because, timesMs, atLeast, counted, against = [] }: TimeFigure): Figure {
  const [times] = summarise(what, timesMs);
  const late = timesMs.filter((ms) => ms > boundMs).map((ms) => `${Math.round(ms)} ms are more than ${boundMs} ms`);
  const few = timesMs.length < atLeast ? [`only ${timesMs.length} times were measured, and not ${atLeast}`] : [];
  return {
    what,
    target: `at most ${thousands(boundMs)} ms (${because})`,
    measured:
      times === undefined ? "nothing" : `median ${thousands(times.medianMs)} ms, worst ${thousands(times.worstMs)} ms`,
    met: late.length + few.length + against.length === 0,
    counted,
    ...(times && { times }),
    against: [...late, ...few, ...against].slice(0, MAX_AGAINST),
  };
}

export interface CountFigure {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly counted: string;
  /** Everything that was not as it must be. */
  readonly against: readonly string[];
}

/** A figure that is met when nothing speaks against it. */
export function countFigure({ against, ...row }: CountFigure): Figure {
  return { ...row, met: against.length === 0, against: against.slice(0, MAX_AGAINST) };
}

/** A whole number with its thousands apart. */
export function thousands(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}
