import type { CallLimit, LimitRefusal } from "./call-limit.js";

/**
 * The limits of the calls of one script, as lines, and which of them each call has: calls of one caller share theirs.
 */
export class LimitLines {
  readonly #places = new Map<string, number>();
  readonly #limits: CallLimit[] = [];
  readonly #lists = new Map<readonly CallLimit[], string>();

  /** The limits, a line each: kind, subject, how many, microseconds. */
  get text(): string {
    return [...this.#places.keys()].join("");
  }

  /** Places of limits, with commas between them; `-` for a call that has none. */
  list(limits: readonly CallLimit[] | undefined): string {
    if (limits === undefined || limits.length === 0) return "-";
    const known = this.#lists.get(limits);
    if (known !== undefined) return known;
    const list = limits.map((limit) => this.#place(limit)).join(",");
    this.#lists.set(limits, list);
    return list;
  }

  /** The limits that a list names; see `list`. */
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
