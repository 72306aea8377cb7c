import type { Evidence, InjectedFault } from "./check/evidence.js";
import type { Takeover } from "./check/pings.js";
import type { LedgerLine } from "./ledger.js";
import { providersOf } from "./provider-names.js";
import { TENANTS_TOOLSETS } from "./settings.js";

/** Times of one kind, in milliseconds. */
export interface Times {
  readonly what: string;
  readonly count: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

/** Median and worst of some times; nothing when there are none. */
export function summarise(what: string, times: readonly number[]): Times[] {
  if (times.length === 0) return [];
  const sorted = [...times].sort((a, b) => a - b);
  const at = (index: number): number => Math.round(sorted[index] ?? 0);
  return [
    { what, count: sorted.length, medianMs: at(Math.floor((sorted.length - 1) / 2)), worstMs: at(sorted.length - 1) },
  ];
}

/**
 * How long after each fault's healing all was well again on every gateway. A fault that was followed by another one before
 * that is left out: it is not known what the time belongs to.
 *
 * @param wellSince when all was well for the first time in questions asked after a time
 */
export function recoveryTimes(
  faults: readonly InjectedFault[],
  wellSince: (fromMs: number) => number | undefined,
): { readonly fault: InjectedFault; readonly tookMs: number }[] {
  return faults.flatMap((fault) => {
    const wellMs = wellSince(fault.healedAtMs);
    if (wellMs === undefined) return [];
    const disturbed = faults.some(
      (other) => other !== fault && other.atMs <= wellMs && other.healedAtMs >= fault.healedAtMs,
    );
    return disturbed ? [] : [{ fault, tookMs: wellMs - fault.healedAtMs }];
  });
}

/** Runs that a kill -9 of their provider cut off, each with its kill. */
export function cutRuns({ faults, ledger }: Evidence): { readonly start: LedgerLine; readonly fault: InjectedFault }[] {
  const ended = new Set(ledger.filter(({ phase }) => phase === "end").map(({ run }) => run));
  const unfinished = ledger.filter(({ phase, run }) => phase === "start" && !ended.has(run));
  return unfinished.flatMap((start) => {
    const fault = faults
      .filter(({ kind, target }) => kind === "kill-provider" && start.incarnation.startsWith(`${target}#`))
      .find(({ atMs, healedAtMs }) => start.atMs <= healedAtMs && atMs >= start.atMs - ROUNDING_MS);
    return fault === undefined ? [] : [{ start, fault }];
  });
}

/** A run that begins in the very millisecond of the kill. */
const ROUNDING_MS = 5;

/**
 * How long from a kill -9 of a provider until the idempotent calls that it ran began anew elsewhere. A toolset's only provider
 * is left out: there is no elsewhere. (The bound is the claim's lease and half a second, where the store answers.)
 */
export function redeliveryTimes(evidence: Evidence): number[] {
  const starts = evidence.ledger.filter(({ phase }) => phase === "start");
  return cutRuns(evidence).flatMap(({ start, fault }) => {
    const next = starts.find(({ call, attempt }) => call === start.call && attempt === start.attempt + 1);
    return next === undefined || !hasColleagues(fault.target) ? [] : [Math.max(0, next.atMs - fault.atMs)];
  });
}

/**
 * How long from a kill -9 of a provider until the `once` calls that it ran ended as `outcome_unknown`. (The bound is the
 * claim's lease and a second, where the store answers.) Those whose deadline came first are left out.
 */
export function lostOnceTimes(evidence: Evidence): number[] {
  const answers = new Map(evidence.records.map(({ call, readings }) => [call, readings[0]?.answer]));
  return cutRuns(evidence).flatMap(({ start, fault }) => {
    const answer = answers.get(start.call);
    if (answer?.kind !== "ended") return [];
    const { kind, reason, endedAtMs } = answer.terminal;
    return kind === "outcome_unknown" && reason === "PROVIDER_LOST" ? [endedAtMs - fault.atMs] : [];
  });
}

/** Whether others serve the provider's toolset too. */
export function hasColleagues(provider: string): boolean {
  return Object.entries(TENANTS_TOOLSETS).some(
    ([toolset, replicas]) => provider.startsWith(providersOf(toolset)) && replicas > 1,
  );
}

/** Of the takeovers that could be judged, how long each took. */
export function takeoverTimes(takeovers: readonly Takeover[]): number[] {
  return takeovers.flatMap(({ tookMs }) => (tookMs === undefined ? [] : [tookMs]));
}
