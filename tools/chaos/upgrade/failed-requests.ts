import type { Evidence } from "../check/evidence.js";

/**
 * What agents' requests failed with, where their agents did not give them up themselves. Agents repeat as the SDK does by itself, have
 * time enough, and their tools never fail: every call is to come back with its result.
 */
export function failedRequests({ history }: Evidence): string[] {
  const asked = new Map(
    history.flatMap((event) =>
      event.kind === "asked" && !event.how.startsWith("gateway ") ? [[event.request, event.call] as const] : [],
    ),
  );
  const givenUp = new Set(
    history.flatMap((event) => (event.kind === "unknown" && event.reason === "ABORTED_BY_AGENT" ? [event.call] : [])),
  );
  return history.flatMap((event) => {
    if (event.kind !== "ended" && event.kind !== "refused" && event.kind !== "unknown") return [];
    if (!asked.has(event.request) || givenUp.has(event.call)) return [];
    if (event.kind !== "ended") return [`request ${event.request} was ${event.kind}: ${event.reason} ${event.message}`];
    const { kind, reason } = event.terminal;
    return kind === "result" ? [] : [`request ${event.request} ended as ${kind}: ${reason}`];
  });
}
