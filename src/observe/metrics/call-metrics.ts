import type { LabelValues } from "./declarations.js";
import { CALL_BOUNDS, type Exemplar, Histogram } from "./histogram.js";
import { LabelBudget, OTHER } from "./label-budget.js";
import type { MetricsRegistry, Point } from "./metrics-registry.js";

/** How calls end, and `rejected`: they were refused. `unknown`: a later version knows what. */
const OUTCOMES = [
  ...["result", "tool_error", "rejected", "not_executed", "cancelled", "outcome_unknown", "attempts_exhausted"],
  "unknown",
] as const;

/** What is counted for one tool, or for all that have nothing of their own. */
class ToolCounts {
  admitted = 0;
  readonly outcomes = new Float64Array(OUTCOMES.length);
  readonly queue = new Histogram(CALL_BOUNDS);
  readonly run = new Histogram(CALL_BOUNDS);
  readonly total = new Histogram(CALL_BOUNDS);

  add(other: ToolCounts): void {
    this.admitted += other.admitted;
    addEach(other.outcomes, this.outcomes);
    this.queue.add(other.queue);
    this.run.add(other.run);
    this.total.add(other.total);
  }
}

/** What limit documents count, as their metric says it. */
const LIMIT_KINDS = ["rate", "running", "daily", "total", "loop"] as const;
/** How many limit documents have series of their own: those that refuse most. */
const MOST_LIMITS = 100;

/** Calls of one tool that have ended in the same way. Times are in milliseconds. */
export interface EndedCalls {
  readonly toolset: string;
  readonly tool: string;
  readonly outcome: string;
  /** A reason of the error table, or a tool's own; `-` for none. */
  readonly reason: string;
  /** From their admission to their end. */
  readonly totalMs: number;
  /** From their admission to the first claim of each; undefined for one that was not claimed. */
  readonly queueMs: readonly (number | undefined)[];
}

export interface CallMetricsOptions {
  readonly registry: MetricsRegistry;
  /** How many tools have series of their own. */
  readonly mostTools: number;
  readonly monotonicMs: () => number;
  /** Whether there is such a tool: what callers name that is none gets no series. */
  readonly exists: (toolset: string, tool: string) => boolean;
  /** Whether a reason is of the error table. */
  readonly isReason: (reason: string) => boolean;
}

/**
 * Counts calls by tool, where each is admitted, refused or ended once: what the audit records at its level `calls`, this counts.
 */
export class CallMetrics {
  readonly #options: CallMetricsOptions;
  readonly #tools: LabelBudget<ToolCounts>;
  readonly #limits: LabelBudget<Float64Array<ArrayBuffer>>;
  readonly #ends: (...labels: LabelValues<"toolgate_call_ends_total">) => { add(amount: number): void };
  readonly #refusals: (...labels: LabelValues<"toolgate_refusals_total">) => { add(amount?: number): void };

  constructor(options: CallMetricsOptions) {
    this.#options = options;
    const { registry, mostTools, monotonicMs } = options;
    this.#tools = new LabelBudget({
      most: mostTools,
      make: () => new ToolCounts(),
      merge: (from, into) => into.add(from),
      monotonicMs,
    });
    this.#limits = new LabelBudget({
      most: MOST_LIMITS,
      make: () => new Float64Array(LIMIT_KINDS.length),
      merge: addEach,
      monotonicMs,
    });
    this.#ends = registry.counters("toolgate_call_ends_total");
    this.#refusals = registry.counters("toolgate_refusals_total");
    registry.beforeCollecting(async () => {
      this.#tools.review();
      this.#limits.review();
    });
    registry.series("toolgate_calls_admitted_total", () => this.#admitted());
    registry.series("toolgate_calls_total", () => countsOf(this.#tools, ({ outcomes }) => outcomes, OUTCOMES));
    registry.series("toolgate_limit_refusals_total", () => countsOf(this.#limits, (counts) => counts, LIMIT_KINDS));
    registry.series("toolgate_call_queue_seconds", () => this.#histograms((counts) => counts.queue));
    registry.series("toolgate_call_run_seconds", () => this.#histograms((counts) => counts.run));
    registry.series("toolgate_call_seconds", () => this.#histograms((counts) => counts.total));
  }

  /** A call was admitted. */
  admitted(toolset: string, tool: string): void {
    this.#tools.of(toolset, tool).admitted++;
  }

  /** Calls have ended. */
  ended({ toolset, tool, outcome, reason, totalMs, queueMs }: EndedCalls): void {
    const counts = this.#tools.of(toolset, tool);
    const count = queueMs.length;
    const place = OUTCOMES.findIndex((known) => known === outcome);
    (counts.outcomes[place < 0 ? OUTCOMES.length - 1 : place] as number) += count; // within its length
    for (const queued of queueMs) {
      counts.total.observe(totalMs / 1_000);
      if (queued === undefined) continue;
      counts.queue.observe(queued / 1_000);
      counts.run.observe(Math.max(0, totalMs - queued) / 1_000);
    }
    this.#ends(OUTCOMES[place] ?? "unknown", this.#reasonOf(reason)).add(count);
  }

  /**
   * Something was refused.
   *
   * @param verb what it would have been; empty for a login
   * @param toolset where it is a call: what the caller named, of whatever that is
   */
  refused(verb: string, reason: string, toolset: string, tool: string): void {
    this.#refusals(verb, this.#reasonOf(reason)).add();
    if (verb !== "call") return;
    const counts = this.#options.exists(toolset, tool) ? this.#tools.of(toolset, tool) : this.#tools.others;
    (counts.outcomes[OUTCOMES.indexOf("rejected")] as number)++; // it is among them
  }

  /** Names the trace of a call that has ended, and is counted. @param exemplar its value is in seconds */
  exemplify(toolset: string, tool: string, exemplar: Exemplar): void {
    this.#tools.peek(toolset, tool).total.exemplify(exemplar);
  }

  /**
   * A limit document refused a call.
   *
   * @param tenant the document's
   * @param limit its name
   */
  limited(tenant: string, limit: string, kind: (typeof LIMIT_KINDS)[number]): void {
    (this.#limits.of(tenant, limit)[LIMIT_KINDS.indexOf(kind)] as number)++; // all kinds are among them
  }

  #reasonOf(reason: string): string {
    return reason === "-" || reason === "unchecked" || this.#options.isReason(reason) ? reason : "TOOL_ERROR";
  }

  *#admitted(): Iterable<Point> {
    for (const [toolset, tool, { admitted }] of this.#tools.all()) yield { labels: [toolset, tool], value: admitted };
  }

  *#histograms(of: (counts: ToolCounts) => Histogram): Iterable<Point> {
    for (const [toolset, tool, counts] of this.#tools.all()) yield { labels: [toolset, tool], histogram: of(counts) };
  }
}

/** Counts by one more label, as points. */
function* countsOf<Own>(
  budget: LabelBudget<Own>,
  of: (own: Own) => Float64Array,
  words: readonly string[],
): Iterable<Point> {
  for (const [first, second, own] of budget.all()) {
    for (const [place, value] of of(own).entries()) {
      // What has not happened is said of the others only, so that each word has a series.
      if (value > 0 || second === OTHER) yield { labels: [first, second, words[place] ?? ""], value };
    }
  }
}

/** Adds the counts of one list to those of another one, which has as many. */
function addEach(from: Float64Array, into: Float64Array): void {
  for (const [place, count] of from.entries()) (into[place] as number) += count; // as many as there are words
}
