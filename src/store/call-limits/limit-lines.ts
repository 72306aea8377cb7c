import type { CallLimit, LimitRefusal } from "./call-limit.js";

/**
 * The limits of the calls of one script, as lines, and in which groups calls have them: calls of one caller share theirs.
 */
export class LimitLines {
  readonly #places = new Map<string, number>();
  readonly #limits: CallLimit[] = [];
  readonly #groups = new Map<string, number>();
  /** By the lists that calls came with. */
  readonly #known = new Map<readonly CallLimit[], number>();

  /** The limits, a line each: kind, subject, how many, microseconds. */
  get text(): string {
    return [...this.#places.keys()].join("");
  }

  /** The groups, a line each: places of limits, with commas between them. */
  get groups(): string {
    return [...this.#groups.keys()].join("");
  }

  /** The place of the group of a call's limits, counted from 1; 0 for a call that has none. */
  group(limits: readonly CallLimit[] | undefined): number {
    if (limits === undefined || limits.length === 0) return 0;
    const known = this.#known.get(limits);
    if (known !== undefined) return known;
    const line = `${limits.map((limit) => this.#place(limit)).join(",")}\n`;
    const group = this.#groups.get(line) ?? this.#groups.size + 1;
    this.#groups.set(line, group);
    this.#known.set(limits, group);
    return group;
  }

  /** The limits at places, which stand with commas between them. */
  named(list: string): readonly CallLimit[] {
    return list.split(",").flatMap((place) => this.#limits[Number(place) - 1] ?? []);
  }

  /** Reads what follows the word `limited` in a script's answer. */
  refusal([place, retry, reset, budget]: readonly string[]): LimitRefusal {
    const limit = this.#limits[Number(place) - 1];
    if (limit === undefined) throw new TypeError("a script named a limit that it was not given");
    return {
      limit,
      retryAfterMs: toTime(retry),
      resetMs: toTime(reset),
      budgetLeft: budget === "-" ? undefined : Number(budget),
    };
  }

  #place(limit: CallLimit): number {
    const line = `${limit.kind} ${limit.subject} ${limit.most} ${limit.everyUs}\n`;
    const known = this.#places.get(line);
    if (known !== undefined) return known;
    this.#places.set(line, this.#limits.push(limit));
    return this.#limits.length;
  }
}

const toTime = (text: string | undefined): number | undefined => (text === "-1" ? undefined : Number(text));
