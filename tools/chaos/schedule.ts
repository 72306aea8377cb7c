import { FAULT_SHAPES, type FaultKind } from "./faults.js";
import type { SeededRandom } from "./seeded-random.js";

/** A fault to come. */
export interface PlannedFault {
  /** Its number in the schedule, from 1. */
  readonly number: number;
  readonly kind: FaultKind;
  /** When, in milliseconds from the start of the load. */
  readonly atMs: number;
  /** How long, in milliseconds. */
  readonly lastsMs: number;
  /** Which of the targets of its kind, in [0, 1): the first draw that decides among however many there are. */
  readonly which: number;
  /** What else the kind leaves open, in [0, 1), such as how far a clock is stepped. */
  readonly how: number;
}

export interface ScheduleOptions {
  readonly kinds: readonly FaultKind[];
  /** How long the load lasts, in milliseconds. */
  readonly durationMs: number;
  readonly random: SeededRandom;
}

/** The load runs undisturbed for so long at its start and its end, in milliseconds. */
const QUIET_START_MS = 1_500;
const QUIET_END_MS = 2_000;
/** How often a fault comes before the one before it is healed. */
const OVERLAP = 0.3;
/** The time from one fault's healing to the next fault, in milliseconds. */
const GAP_MS = [600, 2_400] as const;

/**
 * Which faults come when. All kinds come once before one comes again, in an order of chance; some overlap.
 * The same seed, kinds and duration give the same schedule.
 */
export function planFaults({ kinds, durationMs, random }: ScheduleOptions): PlannedFault[] {
  const planned: PlannedFault[] = [];
  let bag: FaultKind[] = [];
  let atMs = QUIET_START_MS;
  for (;;) {
    if (bag.length === 0) bag = random.shuffled(kinds);
    const kind = bag.pop();
    if (kind === undefined) return planned;
    const [least, most] = FAULT_SHAPES[kind].lastsMs;
    const lastsMs = random.integer(least, most);
    const which = random.next();
    const how = random.next();
    const gapMs = random.integer(...GAP_MS);
    const overlaps = random.chance(OVERLAP);
    if (atMs + lastsMs > durationMs - QUIET_END_MS) return planned;
    planned.push({ number: planned.length + 1, kind, atMs, lastsMs, which, how });
    atMs += overlaps ? Math.min(lastsMs, gapMs) : lastsMs + gapMs;
  }
}
