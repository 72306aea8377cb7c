import { type LabelValues, METRICS, type MetricDeclaration, type MetricName } from "./declarations.js";
import { Histogram } from "./histogram.js";

/** One series of a metric: the values of its labels, in order, and its value. */
export type Point = {
  readonly labels: readonly string[];
} & ({ readonly value: number } | { readonly histogram: Histogram });

/** A metric with its series. */
export interface MetricFamily {
  readonly name: string;
  readonly declaration: MetricDeclaration;
  readonly points: readonly Point[];
}

/** A count that only grows. */
export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** What a metric's value is: one number, or none now; or one for each of its labels' values. */
export type Reading<Name extends MetricName> =
  | number
  | undefined
  | Iterable<readonly [labels: LabelValues<Name>, value: number]>;

/**
 * The metrics of a node. Each is declared (declarations.ts), and has one source: counters and histograms that the code holds on to, or a
 * function that is asked when they are collected.
 *
 * Counting is adding to a field: what counts holds its counter, and no label is built for it.
 */
export class MetricsRegistry {
  readonly #sources = new Map<MetricName, () => Iterable<Point>>();
  readonly #refreshers: (() => Promise<void>)[] = [];

  /** A counter for each combination of labels; made when it is first asked for. The values must be bounded by the code. */
  counters<Name extends MetricName<"counter">>(name: Name): (...labels: LabelValues<Name>) => Counter {
    return this.#children(
      name,
      () => new Counter(),
      (labels, { value }) => ({ labels, value }),
    );
  }

  /** The same for histograms. */
  histograms<Name extends MetricName<"histogram">>(
    name: Name,
    bounds: readonly number[],
  ): (...labels: LabelValues<Name>) => Histogram {
    return this.#children(
      name,
      () => new Histogram(bounds),
      (labels, histogram) => ({ labels, histogram }),
    );
  }

  /** A gauge, or a counter that is kept elsewhere, read when it is collected. */
  read<Name extends MetricName<"gauge" | "counter">>(name: Name, read: () => Reading<Name>): void {
    this.#declare(name, function* () {
      const reading = read();
      if (reading === undefined) return;
      if (typeof reading === "number") yield { labels: [], value: reading };
      else for (const [labels, value] of reading) yield { labels: labels as readonly string[], value }; // as they are declared
    });
  }

  /** Series that are made elsewhere. */
  series(name: MetricName, points: () => Iterable<Point>): void {
    this.#declare(name, points);
  }

  /** Asked before each collection, for what is not in this process; it should take no longer than a scrape may. Its failure is nobody's. */
  beforeCollecting(refresh: () => Promise<void>): void {
    this.#refreshers.push(refresh);
  }

  /** All metrics that have a source, in the order of their declarations. */
  async collect(): Promise<readonly MetricFamily[]> {
    await Promise.allSettled(this.#refreshers.map((refresh) => refresh()));
    return (Object.keys(METRICS) as MetricName[]).flatMap((name) => {
      const points = this.#sources.get(name);
      return points === undefined ? [] : [{ name, declaration: METRICS[name], points: [...points()] }];
    });
  }

  #children<Child>(
    name: MetricName,
    make: () => Child,
    toPoint: (labels: readonly string[], child: Child) => Point,
  ): (...labels: readonly string[]) => Child {
    const children = new Map<string, { readonly labels: readonly string[]; readonly child: Child }>();
    this.#declare(name, function* () {
      for (const { labels, child } of children.values()) yield toPoint(labels, child);
    });
    return (...labels) => {
      const key = labels.length === 1 ? (labels[0] ?? "") : labels.join("\n");
      const known = children.get(key);
      if (known !== undefined) return known.child;
      const child = make();
      children.set(key, { labels, child });
      return child;
    };
  }

  #declare(name: MetricName, points: () => Iterable<Point>): void {
    if (this.#sources.has(name)) throw new RangeError(`${name} has a source already`);
    this.#sources.set(name, points);
  }
}
