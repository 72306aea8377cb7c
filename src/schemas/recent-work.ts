/** Work loses half of its weight in this time, in milliseconds. */
const HALF_LIFE_MS = 60_000;
/** How long a name stays slow after its last slow job, in milliseconds. */
const SLOW_FOR_MS = 300_000;
/** How many names are remembered; the one that was used least lately is forgotten first. */
const MAX_NAMES = 10_000;

interface Entry {
  workMs: number;
  /** How many jobs that was. */
  jobs: number;
  atMs: number;
  slowUntilMs: number;
}

/** What was done lately for each of many names, and which of them had a slow job. */
export class RecentWork {
  readonly #monotonicMs: () => number;
  readonly #entries = new Map<string, Entry>();

  /** @param monotonicMs milliseconds that only go forward. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** The work done for a name by a time, in milliseconds of CPU time; what is a minute old counts half, and so on. */
  of(name: string, atMs = this.#monotonicMs()): number {
    const entry = this.#entries.get(name);
    return entry === undefined ? 0 : entry.workMs * weightAt(entry, atMs);
  }

  /** The work that was added for a name at once, as it was lately; nothing where none is known. */
  meanOf(name: string): number | undefined {
    const entry = this.#entries.get(name);
    return entry === undefined || entry.jobs === 0 ? undefined : entry.workMs / entry.jobs;
  }

  /** Whether a job of this name was slow in the last five minutes. */
  isSlow(name: string): boolean {
    return (this.#entries.get(name)?.slowUntilMs ?? Number.NEGATIVE_INFINITY) > this.#monotonicMs();
  }

  /** Adds the work of a job, in milliseconds of CPU time. */
  add(name: string, workMs: number, isSlow: boolean): void {
    const atMs = this.#monotonicMs();
    const before = this.#entries.get(name);
    const slowUntilMs = isSlow ? atMs + SLOW_FOR_MS : (before?.slowUntilMs ?? Number.NEGATIVE_INFINITY);
    const weight = before === undefined ? 0 : weightAt(before, atMs);
    const entry = {
      workMs: (before?.workMs ?? 0) * weight + workMs,
      jobs: (before?.jobs ?? 0) * weight + 1,
      ...{ atMs, slowUntilMs },
    };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_NAMES) break;
      this.#entries.delete(oldest);
    }
  }
}

/** What is left of an entry's weight. */
function weightAt({ atMs }: Entry, nowMs: number): number {
  return 0.5 ** ((nowMs - atMs) / HALF_LIFE_MS);
}
