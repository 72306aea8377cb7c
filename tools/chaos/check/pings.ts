import type { Evidence, InjectedFault, Violation } from "./evidence.js";
import { overlap } from "./total-outages.js";

/** At most one ping per toolset epoch and slot. A slot in which Redis lost everything, its memory of the slot included, is excused. */
export function checkPings({ pings, faults, limits }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const seen = new Map<string, string>();
  for (const ping of pings) {
    const key = `${ping.toolset}@${ping.epoch} slot ${ping.slot}`;
    const line = `ping ${JSON.stringify(ping)}`;
    const before = seen.get(key);
    seen.set(key, line);
    if (before === undefined) continue;
    const fromMs = Number(ping.slot) * limits.pingIntervalMs;
    const slot = { fromMs: fromMs - limits.pingIntervalMs, toMs: fromMs + 2 * limits.pingIntervalMs };
    if (faults.some((fault) => fault.kind === "flush" && overlap(spanOf(fault), slot))) continue;
    violations.push({
      rule: "at most one ping per toolset epoch and slot",
      sort: "doubled",
      message: `${key} was pinged twice`,
      evidence: [before, line],
    });
  }
  return violations;
}

/** A takeover that could be judged. */
export interface Takeover {
  readonly fault: InjectedFault;
  /** From the fault to the next ping, in milliseconds; undefined when none came. */
  readonly tookMs: number | undefined;
}

/** When the pinger was hit, how long until the next ping. A takeover that no gateway was there for all along is left out. */
export function takeovers({ pings, faults, outages, limits, observedUntilMs }: Evidence): Takeover[] {
  const boundMs = takeoverBoundMs(limits);
  return faults.flatMap((fault) => {
    if (!fault.hitPinger) return [];
    const span = { fromMs: fault.atMs, toMs: fault.atMs + boundMs };
    const out = new Set(outages.filter((outage) => overlap(outage, span)).map(({ who }) => who));
    if (out.has("store") || out.size >= limits.gateways || observedUntilMs < span.toMs) return [];
    const next = pings.find(({ atMs }) => atMs > fault.atMs);
    return [{ fault, tookMs: next === undefined ? undefined : next.atMs - fault.atMs }];
  });
}

/** Takeover: when the pinger is lost, the next ping comes within the lock's time to live and one interval. */
export function checkTakeovers(evidence: Evidence): Violation[] {
  const boundMs = takeoverBoundMs(evidence.limits);
  return takeovers(evidence).flatMap(({ fault, tookMs }) => {
    if (tookMs !== undefined && tookMs <= boundMs) return [];
    const said = tookMs === undefined ? "no ping came any more" : `the next ping came after ${Math.round(tookMs)} ms`;
    return [
      {
        rule: "the next ping comes within the lock's time to live and one interval",
        sort: "stuck" as const,
        message: `${fault.kind} of ${fault.target}: ${said}; ${boundMs} ms allowed`,
        evidence: [
          `fault ${JSON.stringify(fault)}`,
          ...evidence.pings
            .filter(({ atMs }) => Math.abs(atMs - fault.atMs) < 2 * boundMs)
            .map((ping) => `ping ${JSON.stringify(ping)}`),
        ],
      },
    ];
  });
}

function takeoverBoundMs({ lockTtlMs, pingIntervalMs, schedulingMs }: Evidence["limits"]): number {
  return lockTtlMs + pingIntervalMs + schedulingMs;
}

function spanOf(fault: InjectedFault): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: fault.atMs, toMs: fault.healedAtMs };
}
