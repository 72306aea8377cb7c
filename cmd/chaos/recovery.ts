import type { InjectedFault } from "./check/evidence.js";
import type { Takeover } from "./check/pings.js";
import type { LedgerLine } from "./ledger.js";
import { TOOLSETS } from "./settings.js";

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
 * that is left out: nobody can say what the time belongs to.
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

/**
 * How long from a kill -9 of a provider until the idempotent calls that it ran began anew elsewhere. A toolset's only provider
 * is left out: there is no elsewhere. (The bound is the claim's lease and half a second, where the store answers.)
 */
export function redeliveryTimes(faults: readonly InjectedFault[], ledger: readonly LedgerLine[]): number[] {
  const ended = new Set(ledger.filter(({ phase }) => phase === "end").map(({ run }) => run));
  const starts = ledger.filter(({ phase }) => phase === "start");
  return faults
    .filter(({ kind, target }) => kind === "kill-provider" && hasColleagues(target))
    .flatMap((fault) =>
      starts
        .filter((start) => start.incarnation.startsWith(`${fault.target}#`) && !ended.has(start.run))
        .filter((start) => start.atMs <= fault.atMs && start.atMs > fault.atMs - 30_000)
        .flatMap((start) => {
          const next = starts.find(({ call, attempt }) => call === start.call && attempt === start.attempt + 1);
          return next === undefined || next.atMs < fault.atMs ? [] : [next.atMs - fault.atMs];
        }),
    );
}

function hasColleagues(provider: string): boolean {
  return Object.entries(TOOLSETS).some(([toolset, replicas]) => provider.startsWith(`${toolset}-`) && replicas > 1);
}

/** Of the takeovers that could be judged, how long each took. */
export function takeoverTimes(takeovers: readonly Takeover[]): number[] {
  return takeovers.flatMap(({ tookMs }) => (tookMs === undefined ? [] : [tookMs]));
}
