import type { Evidence, LeaderNote, Violation } from "./evidence.js";
import { overlap } from "./total-outages.js";

/**
 * A former leader knows that it leads no more: when another gateway is elected, its own trust in the lock has ended, and it says
 * so at its next turn, whatever its wall clock shows. One that was out then has until it is back.
 */
export function checkLeaders({ leaders, history, outages, limits, observedUntilMs }: Evidence): Violation[] {
  const { lockTtlMs, schedulingMs } = limits;
  // Two turns of the election, which come three times within a lock's life.
  const grantMs = 2 * lockTtlMs + schedulingMs;
  // Of what came before, only the leader is known.
  const firstMs = history[0]?.atMs ?? 0;
  return leaders.flatMap((elected, index) => {
    if (elected.what !== "elected" || elected.atMs < firstMs) return [];
    return formerLeaders(leaders.slice(0, index), elected.who).flatMap((former) => {
      let boundMs = elected.atMs + grantMs;
      for (const { who, fromMs, toMs } of outages) {
        const span = { fromMs: elected.atMs - grantMs, toMs: boundMs };
        if ((who === former.who || who === "store") && overlap({ fromMs, toMs }, span))
          boundMs = Math.max(boundMs, toMs + grantMs);
      }
      const left = leaders.slice(index).find(({ who }) => who === former.who);
      if (observedUntilMs < boundMs || (left !== undefined && left.atMs <= boundMs)) return [];
      return [
        {
          rule: "a former leader knows that it leads no more",
          sort: "other" as const,
          message: `${elected.who} was elected, and ${former.who} led on for more than ${Math.round(boundMs - elected.atMs)} ms`,
          evidence: [former, elected, ...(left === undefined ? [] : [left])].map(
            (note) => `leader ${JSON.stringify(note)}`,
          ),
        },
      ];
    });
  });
}

/** The nodes that led last by their own account, and have not said otherwise since; the one that is elected now is left out. */
function formerLeaders(notes: readonly LeaderNote[], now: string): LeaderNote[] {
  const last = new Map(notes.map((note) => [note.who, note]));
  last.delete(now);
  return [...last.values()].filter(({ what }) => what === "elected");
}
