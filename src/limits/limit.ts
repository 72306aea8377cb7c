import type { Static } from "typebox";
import { CALL_MATCH } from "../documents/call-match.js";
import { schemaKind } from "../documents/schema-kind.js";
import type { Violation } from "../errors/toolgate-error.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";

/** The most time that a burst may be worth, in milliseconds: the numbers in Redis stay exact. */
const MAX_BURST_MS = 31 * 86_400_000;
const MAX_BUDGET = 1_000_000_000;

const whole = (most: number) => ({ type: "integer", minimum: 1, maximum: most }) as const;

const Limit = {
  type: "object",
  required: ["per"],
  properties: {
    match: CALL_MATCH,
    /** For whom it counts: each caller for itself, each tenant, each toolset or tool for all its callers, each run. */
    per: { type: "string", enum: ["caller", "tenant", "toolset", "tool", "run"] },
    /** How often: `calls` in `perMs`, and `burst` at once (as many as `calls` unless it says so). */
    rate: {
      type: "object",
      required: ["calls", "perMs"],
      properties: { calls: whole(1_000_000), perMs: whole(86_400_000), burst: whole(1_000_000) },
    },
    /** The most calls that have not ended. */
    concurrency: whole(100_000),
    /** The most calls of a day, from midnight to midnight UTC. */
    daily: whole(MAX_BUDGET),
    /** The most calls of a run. */
    total: whole(MAX_BUDGET),
    /** How many times in a row a run's call may fail in the same way. */
    loop: { type: "object", required: ["failures"], properties: { failures: whole(1_000) } },
  },
} as const;

/** For whom a limit counts. */
export type LimitPer = LimitSpec["per"];

/** What may be called how often, and by whom. */
export type LimitSpec = Static<typeof Limit>;

/** Limits of calls. All that fit a call hold. */
export const LIMIT = schemaKind({
  kind: "limit",
  schema: Limit,
  check({ match, per, rate, concurrency, daily, total, loop }, { tenant }) {
    const faults: Violation[] = [];
    const add = (field: string, description: string): number => faults.push({ field, description });
    if (match?.tenants !== undefined && tenant !== DEFAULT_TENANT)
      add("/match/tenants", `may be given only in the tenant "${DEFAULT_TENANT}": others limit what is theirs`);
    for (const [member, value] of Object.entries({ total, loop }))
      if (value !== undefined && per !== "run") add(`/${member}`, 'may be given only with "per": "run"');
    if ([rate, concurrency, daily, total, loop].every((value) => value === undefined))
      add("", "must have at least one of rate, concurrency, daily, total and loop");
    if (rate !== undefined && rate.calls > rate.perMs * 1_000) add("/rate", "must be at most a million calls a second");
    if (rate !== undefined && (burstOf(rate) * rate.perMs) / rate.calls > MAX_BURST_MS)
      add("/rate/burst", "must be worth at most 31 days of calls");
    return faults;
  },
});

/** How many calls a rate lets in at once. */
export function burstOf({ calls, burst }: NonNullable<LimitSpec["rate"]>): number {
  return burst ?? calls;
}
