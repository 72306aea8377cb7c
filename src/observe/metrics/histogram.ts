/** A trace that an observation belongs to. */
export interface Exemplar {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** What was observed. */
  readonly value: number;
  /** When, in Unix milliseconds. */
  readonly atMs: number;
}

/** Bounds for what takes from a millisecond to minutes, in seconds. */
export const CALL_BOUNDS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
];
/** Bounds for round trips, in seconds. */
export const ROUND_TRIP_BOUNDS: readonly number[] = [
  ...[0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
];

/** Counts observations by fixed bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many observations fell between the bound before and each bound; the last one counts those above all bounds. */
  readonly counts: Float64Array;
  sum = 0;
  #exemplars: (Exemplar | undefined)[] | undefined;

  /** @param bounds rising */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** @param value in the metric's unit */
  observe(value: number): void {
    const { bounds, counts } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place++; // within the bounds
    (counts[place] as number)++; // there is one more than bounds
    this.sum += value;
  }

  /** Names the trace of an observation that is counted already. */
  exemplify(exemplar: Exemplar): void {
    let place = 0;
    while (place < this.bounds.length && exemplar.value > (this.bounds[place] as number)) place++; // as above
    this.#exemplars ??= [];
    this.#exemplars[place] = exemplar;
  }

  /** The latest observation of a bucket whose trace is known. */
  exemplarAt(place: number): Exemplar | undefined {
    return this.#exemplars?.[place];
  }

  /** How many observations there were. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Takes over what another one of the same bounds has counted. */
  add(other: Histogram): void {
    for (const [place, count] of other.counts.entries()) (this.counts[place] as number) += count; // of the same bounds
    this.sum += other.sum;
  }
}
