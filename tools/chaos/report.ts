import { painter } from "../../cmd/output/paint.js";
import { table } from "../../cmd/output/table.js";
import type { Evidence, Violation } from "./check/evidence.js";
import type { Times } from "./recovery.js";

/** What a run came to. */
export interface Outcome {
  readonly seed: string;
  readonly store: string;
  readonly phases: readonly PhaseOutcome[];
  /** Where histories, ledgers and logs are; empty when they were removed. */
  readonly folder: string;
}

export interface PhaseOutcome {
  readonly name: string;
  readonly evidence: Evidence;
  readonly violations: readonly Violation[];
  /** Times from each kind of fault's healing until all was well. */
  readonly recoveries: readonly Times[];
  /** Other times that were measured. */
  readonly figures: readonly Times[];
}

/** Numbers of one phase. */
export interface Summary {
  readonly faults: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly calls: number;
  readonly executions: number;
  /** How calls ended, by their records. */
  readonly endings: Readonly<Record<string, number>>;
  readonly requestOutcomes: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly doubled: number;
  readonly stuck: number;
  readonly other: number;
  /** The worst lateness of a terminal after its call's deadline, in milliseconds; negative when none was late. */
  readonly latestAfterDeadlineMs: number | undefined;
  readonly healedAfterMs: number | undefined;
}

/** How many violations are shown whole. */
const SHOWN = 8;
const SHOWN_LINES = 24;

export function summarise({ evidence, violations }: Pick<PhaseOutcome, "evidence" | "violations">): Summary {
  const asked = evidence.history.filter((event) => event.kind === "asked");
  const outcomes = evidence.history.filter((event) => ["ended", "refused", "unknown"].includes(event.kind));
  const answers = evidence.records.map(({ readings }) => readings[0]?.answer);
  const late = answers.flatMap((answer) =>
    answer?.kind === "ended" && answer.deadlineMs !== undefined ? [answer.terminal.endedAtMs - answer.deadlineMs] : [],
  );
  const of = (sort: Violation["sort"]): number => violations.filter((one) => one.sort === sort).length;
  return {
    faults: count(evidence.faults.map(({ kind }) => kind)),
    requests: asked.length,
    calls: new Set(asked.map(({ call }) => call)).size,
    executions: evidence.ledger.filter(({ phase }) => phase === "start").length,
    endings: count(
      answers.map((answer) =>
        answer === undefined
          ? "unread"
          : answer.kind === "ended"
            ? answer.terminal.kind
            : answer.kind === "unknown"
              ? "never admitted"
              : answer.kind,
      ),
    ),
    requestOutcomes: count(outcomes.map(({ kind }) => kind)),
    lost: of("lost"),
    doubled: of("doubled"),
    stuck: of("stuck"),
    other: of("other"),
    latestAfterDeadlineMs: late.length === 0 ? undefined : Math.max(...late),
    healedAfterMs: evidence.healing.healthy ? Math.round(evidence.healing.tookMs) : undefined,
  };
}

/** The outcome for people. */
export function reportText(outcome: Outcome, width: number | undefined): string {
  const paint = painter(false);
  const parts: string[] = [`Seed ${outcome.seed}; ${outcome.store}`];
  for (const phase of outcome.phases) {
    const summary = summarise(phase);
    const { limits } = phase.evidence;
    parts.push(
      `Phase ${phase.name}`,
      table(
        [
          { header: "Fault" },
          { header: "Done", align: "right" },
          { header: "Recovery, median", align: "right" },
          { header: "worst", align: "right" },
        ],
        Object.entries(summary.faults).map(([kind, times]) => {
          const recovery = phase.recoveries.find(({ what }) => what === kind);
          return [kind, String(times), ms(recovery?.medianMs), ms(recovery?.worstMs)];
        }),
        width,
        paint,
      ),
      table(
        [{ header: "What" }, { header: "How many", align: "right" }],
        [
          ["faults", String(phase.evidence.faults.length)],
          ["requests", String(summary.requests)],
          [`  of which ${list(summary.requestOutcomes)}`, ""],
          ["calls", String(summary.calls)],
          [`  of which ${list(summary.endings)}`, ""],
          ["executions", String(summary.executions)],
          ["LOST", String(summary.lost)],
          ["DOUBLED", String(summary.doubled)],
          ["STUCK", String(summary.stuck)],
          ["other broken promises", String(summary.other)],
        ],
        width,
        paint,
      ),
      table(
        [
          { header: "Time" },
          { header: "Times", align: "right" },
          { header: "median", align: "right" },
          { header: "worst", align: "right" },
        ],
        [
          ...phase.figures.map(({ what, count: times, medianMs, worstMs }) => [
            what,
            String(times),
            ms(medianMs),
            ms(worstMs),
          ]),
          ["healthy after the last fault's healing", "1", "", ms(summary.healedAfterMs)],
          ["a terminal after its call's deadline", "", "", ms(summary.latestAfterDeadlineMs)],
        ],
        width,
        paint,
      ),
      `Tolerances: ${limits.schedulingMs} ms for a busy machine; ${limits.reconnectMs} ms to go on after nobody could reach Redis.\n`,
    );
    for (const violation of phase.violations.slice(0, SHOWN)) parts.push(violationText(violation));
    if (phase.violations.length > SHOWN) parts.push(`… and ${phase.violations.length - SHOWN} more`);
  }
  const broken = outcome.phases.reduce((sum, { violations }) => sum + violations.length, 0);
  parts.push(broken === 0 ? "Clean: every promise was kept." : `${broken} broken promises.`);
  if (outcome.folder !== "") parts.push(`Histories, ledgers and logs: ${outcome.folder}`);
  return `${parts.join("\n")}\n`;
}

/** The outcome for programs. */
export function reportJson(outcome: Outcome): string {
  const { seed, store, folder, phases } = outcome;
  return JSON.stringify({
    seed,
    store,
    folder,
    clean: phases.every(({ violations }) => violations.length === 0),
    phases: phases.map((phase) => ({
      name: phase.name,
      ...summarise(phase),
      recoveries: phase.recoveries,
      figures: phase.figures,
      limits: phase.evidence.limits,
      violations: phase.violations,
    })),
  });
}

/** A broken promise, with its evidence. */
export function violationText({ rule, sort, call, message, evidence }: Violation): string {
  return [
    `BROKEN (${sort}): ${rule}`,
    `  ${call === undefined ? "" : `call ${call}: `}${message}`,
    ...evidence.slice(0, SHOWN_LINES).map((line) => `    ${line}`),
    ...(evidence.length > SHOWN_LINES ? [`    … ${evidence.length - SHOWN_LINES} more lines`] : []),
  ].join("\n");
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([word, times]) => `${word} ${times}`)
    .join(", ");
}

function ms(time: number | undefined): string {
  return time === undefined ? "-" : `${time} ms`;
}
