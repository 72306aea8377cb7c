import { type CallFile, deadlineOf, linesOf, readTerminals } from "./call-file.js";
import type { Limits, Violation } from "./evidence.js";
import type { Span } from "./total-outages.js";

/** How long after its deadline a call may end, in milliseconds. */
export const AFTER_DEADLINE_MS = 1_000;

/**
 * Every call ends at most a second after its deadline, by the terminal's own time from Redis's clock. While Redis is away,
 * or no gateway can reach it, no call can be ended: the second then counts from when one can be again.
 *
 * @param outages when no gateway could, in order.
 */
export function checkDeadline(file: CallFile, limits: Limits, outages: readonly Span[]): Violation[] {
  const deadlineMs = deadlineOf(file);
  const [terminal] = readTerminals(file);
  if (deadlineMs === undefined || terminal === undefined) return [];
  const boundMs = latestEndMs(deadlineMs, limits, outages);
  if (terminal.endedAtMs <= boundMs) return [];
  return [
    {
      rule: "every call ends within its deadline and a second",
      sort: "stuck",
      call: file.call,
      message: `ended ${Math.round(terminal.endedAtMs - deadlineMs)} ms after its deadline, ${Math.round(terminal.endedAtMs - boundMs)} ms too late`,
      evidence: linesOf(file),
    },
  ];
}

/** When a call of this deadline must have ended. */
export function latestEndMs(deadlineMs: number, limits: Limits, outages: readonly Span[]): number {
  let boundMs = deadlineMs + AFTER_DEADLINE_MS;
  for (const { fromMs, toMs } of outages) {
    const readyMs = toMs + limits.reconnectMs;
    if (fromMs <= boundMs && readyMs >= deadlineMs) boundMs = Math.max(boundMs, readyMs + AFTER_DEADLINE_MS);
  }
  return boundMs + limits.schedulingMs;
}
