/** How long what begins in one turn of the event loop may hold it, in milliseconds. */
const SLICE_MS = 2;
/** Where a turn takes long for other reasons, what begins may have this share of it: or it would hardly ever begin. */
const TURN_SHARE = 0.25;

/**
 * Spreads the beginnings of short pieces of work over turns of the event loop. Thousands may be asked for in one turn: as many
 * begin at once as take a slice, all others one after the other in the turns that follow, with everything else in between.
 */
export class SlicedStarts {
  readonly #monotonicMs: () => number;
  readonly #sliceMs: number;
  readonly #waiting: (() => void)[] = [];
  /** When the first of this turn began; undefined while none did. */
  #startedMs: number | undefined;
  /** When the turn before this one had let begin what it had time for. */
  #endedMs = Number.POSITIVE_INFINITY;

  /** @param sliceMs what may begin within one turn, in milliseconds. */
  constructor(monotonicMs: () => number, sliceMs: number = SLICE_MS) {
    this.#monotonicMs = monotonicMs;
    this.#sliceMs = sliceMs;
  }

  /** How many wait to begin. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Undefined when the work may begin at once; otherwise resolves when it may. */
  begin(): Promise<void> | undefined {
    if (this.#waiting.length === 0) {
      const nowMs = this.#monotonicMs();
      if (this.#startedMs === undefined) {
        this.#startedMs = nowMs;
        this.#goOn();
        return undefined;
      }
      if (nowMs - this.#startedMs < this.#sliceMs) return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #goOn(): void {
    setImmediate(() => void this.#turn());
  }

  async #turn(): Promise<void> {
    this.#startedMs = undefined;
    if (this.#waiting.length === 0) {
      this.#endedMs = Number.POSITIVE_INFINITY;
      return;
    }
    const startedMs = this.#monotonicMs();
    this.#startedMs = startedMs;
    const sliceMs = Math.max(this.#sliceMs, (startedMs - this.#endedMs) * TURN_SHARE);
    do {
      this.#waiting.shift()?.();
      await settled(); // it runs up to where it waits itself
    } while (this.#waiting.length > 0 && this.#monotonicMs() - startedMs < sliceMs);
    this.#endedMs = this.#monotonicMs();
    this.#goOn();
  }
}

/** Resolves after the few microtasks by which a promise that was just resolved comes to what awaits it. */
async function settled(): Promise<void> {
  for (let hop = 0; hop < 4; hop++) await undefined;
}
