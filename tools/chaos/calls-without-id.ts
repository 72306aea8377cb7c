import type { HistoryEvent } from "./history.js";
import type { LedgerLine } from "./ledger.js";

/**
 * Calls whose ids the SDK makes: their agents know them by a name of their own, which the payload bears and the ledger too. What
 * the agent saw and what ran are put together by that.
 */

const PREFIX = "placeholder ";

/** What such a call is called until its id is known. */
export function placeholderId(name: string): string {
  return `${PREFIX}${name}`;
}

/** Whether an id is not a call's own. */
export function isPlaceholder(call: string): boolean {
  return call.startsWith(PREFIX);
}

/**
 * Gives calls without an id of a history their ids: of the handle, or of the first run. What ran under other ids too stays a call that
 * nothing asked for. One that has no handle and never ran keeps its placeholder.
 */
export function resolveIds(history: readonly HistoryEvent[], ledger: readonly LedgerLine[]): HistoryEvent[] {
  const ids = new Map<string, string>();
  for (const event of history) if (event.kind === "admitted") ids.set(event.call, event.callId);
  for (const { asker, call } of ledger) if (asker !== undefined && !ids.has(asker)) ids.set(asker, call);
  return history.map((event) =>
    event.kind === "watched" || !isPlaceholder(event.call)
      ? event
      : { ...event, call: ids.get(event.call) ?? event.call },
  );
}
