import type { Evidence, Violation } from "./evidence.js";

/**
 * An epoch is never given twice, not after Redis lost everything either: the last to be pinged has another epoch than all
 * that were pinged before the flush.
 */
export function checkEpochs({ faults, pings }: Evidence): Violation[] {
  const flushes = faults.filter(({ kind }) => kind === "flush");
  return [...new Set(pings.map(({ toolset }) => toolset))].flatMap((toolset) => {
    const own = pings.filter((ping) => ping.toolset === toolset);
    const last = own.at(-1);
    const former = own.find(({ atMs, epoch }) => flushes.some((flush) => atMs < flush.atMs) && epoch === last?.epoch);
    // Until its nodes have noticed the loss, the former epoch is pinged on.
    if (
      last === undefined ||
      former === undefined ||
      flushes.some(({ healedAtMs }) => last.atMs < healedAtMs + NOTICED_MS)
    )
      return [];
    return [
      {
        rule: "an epoch is never given twice",
        sort: "other" as const,
        message: `${toolset} has the epoch ${last.epoch} before and after Redis lost everything`,
        evidence: [`ping ${JSON.stringify(former)}`, `ping ${JSON.stringify(last)}`],
      },
    ];
  });
}

/** Nodes go on with what they have in memory for less than this, in milliseconds. */
const NOTICED_MS = 2_000;
