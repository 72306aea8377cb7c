/** What stands in place of both names for the tools that have nothing of their own. */
export const OTHER = "_other";

/** How many tools are told apart for finding out which are used most; what comes on top has no chance until others are forgotten. */
const MOST_KNOWN = 65_536;
/** How often it is looked which tools are used most, in milliseconds, and how many change places each time. */
const REVIEW_MS = 60_000;
const MOST_CHANGES = 10;
/** How much more a tool must be used than one whose place it takes: places that change often are of no use. */
const FACTOR = 2;

interface Entry<Own> {
  readonly toolset: string;
  readonly tool: string;
  /** Undefined while it counts among the others. */
  own: Own | undefined;
  /** How often it was used since the last review. */
  uses: number;
}

export interface LabelBudgetOptions<Own> {
  /** How many tools have something of their own. */
  readonly most: number;
  readonly make: () => Own;
  /** A tool loses its place: what it had counts among the others from now on. */
  readonly merge: (from: Own, into: Own) => void;
  readonly monotonicMs: () => number;
}

/**
 * Gives the tools that are used most something of their own, and all others something in common: so there are never more than so many
 * series, whatever is registered and called. Other pairs of names are budgeted alike: limits of tenants. Nothing is lost when a tool loses its place: sums over all tools stay as they are.
 */
export class LabelBudget<Own> {
  readonly #options: LabelBudgetOptions<Own>;
  readonly #entries = new Map<string, Map<string, Entry<Own>>>();
  readonly #others: Own;
  #known = 0;
  #taken = 0;
  #reviewedAtMs: number;

  constructor(options: LabelBudgetOptions<Own>) {
    this.#options = options;
    this.#others = options.make();
    this.#reviewedAtMs = options.monotonicMs();
  }

  /** What counts for a tool that is used now. Cheap: two lookups. The names must be those of a tool that exists: each is remembered. */
  of(toolset: string, tool: string): Own {
    const entry = this.#entries.get(toolset)?.get(tool) ?? this.#enter(toolset, tool);
    if (entry === undefined) return this.#others;
    entry.uses++;
    return entry.own ?? this.#others;
  }

  /** The same where it is only looked at: nothing is remembered, and it is no use. */
  peek(toolset: string, tool: string): Own {
    return this.#entries.get(toolset)?.get(tool)?.own ?? this.#others;
  }

  /** What counts for those that have nothing of their own. */
  get others(): Own {
    return this.#others;
  }

  /** What there is, with the labels; the others come last. */
  *all(): Iterable<readonly [toolset: string, tool: string, own: Own]> {
    for (const { toolset, tool, own } of this.#each()) if (own !== undefined) yield [toolset, tool, own];
    yield [OTHER, OTHER, this.#others];
  }

  /** Gives places to tools that have come to be used more than others that have one; does nothing where it was done just now. */
  review(): void {
    const { most, make, merge, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    if (nowMs - this.#reviewedAtMs < REVIEW_MS) return;
    this.#reviewedAtMs = nowMs;
    if (this.#known > this.#taken) {
      const entries = [...this.#each()];
      const waiting = entries.filter(({ own, uses }) => own === undefined && uses > 0).sort((a, b) => b.uses - a.uses);
      const placed = entries.filter(({ own }) => own !== undefined).sort((a, b) => a.uses - b.uses);
      for (const [place, entry] of waiting.slice(0, MOST_CHANGES).entries()) {
        const former = placed[place];
        if (this.#taken >= most) {
          if (former?.own === undefined || entry.uses < FACTOR * former.uses) break;
          merge(former.own, this.#others);
          former.own = undefined;
          this.#taken--;
        }
        entry.own = make();
        this.#taken++;
      }
    }
    for (const entry of [...this.#each()]) {
      if (this.#known > MOST_KNOWN / 2 && entry.own === undefined && entry.uses === 0) this.#forget(entry);
      entry.uses = 0;
    }
  }

  *#each(): Iterable<Entry<Own>> {
    for (const tools of this.#entries.values()) yield* tools.values();
  }

  #enter(toolset: string, tool: string): Entry<Own> | undefined {
    if (this.#known >= MOST_KNOWN) return undefined;
    let tools = this.#entries.get(toolset);
    if (tools === undefined) {
      tools = new Map();
      this.#entries.set(toolset, tools);
    }
    const hasPlace = this.#taken < this.#options.most;
    const entry: Entry<Own> = { toolset, tool, own: hasPlace ? this.#options.make() : undefined, uses: 0 };
    if (hasPlace) this.#taken++;
    this.#known++;
    tools.set(tool, entry);
    return entry;
  }

  #forget({ toolset, tool }: Entry<Own>): void {
    const tools = this.#entries.get(toolset);
    if (tools?.delete(tool) === true) this.#known--;
    if (tools?.size === 0) this.#entries.delete(toolset);
  }
}
