import type { Evidence, Violation } from "./evidence.js";

/** Revisions seen by one watch never go back, in no shard; and a watch that may wait for ever never fails. */
export function checkWatches({ history }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const last = new Map<string, { readonly revision: string; readonly line: string }>();
  for (const event of history) {
    if (event.kind !== "watched") continue;
    const line = `history ${JSON.stringify(event)}`;
    if (event.what.startsWith("failed")) {
      violations.push({
        rule: "a watch outlives faults",
        sort: "other",
        message: `${event.watch} ${event.what}`,
        evidence: [line],
      });
      continue;
    }
    const before = last.get(event.watch);
    if (before !== undefined && wentBack(before.revision, event.revision)) {
      violations.push({
        rule: "revisions seen by one watch never go back",
        sort: "other",
        message: `${event.watch} saw ${event.revision} after ${before.revision}`,
        evidence: [before.line, line],
      });
    }
    last.set(event.watch, { revision: event.revision, line });
  }
  return violations;
}

/** Revisions are stream ids, one per shard, joined by commas. */
function wentBack(before: string, after: string): boolean {
  const later = after.split(",");
  return before.split(",").some((id, shard) => compareIds(later[shard] ?? "0-0", id) < 0);
}

function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split("-").map(Number);
  const [bMs = 0, bSeq = 0] = b.split("-").map(Number);
  return aMs - bMs || aSeq - bSeq;
}
