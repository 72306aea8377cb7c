import { type CallFile, linesOf } from "./call-file.js";
import type { Outage, Violation } from "./evidence.js";
import { overlap } from "./total-outages.js";

/** So long after an outage a gateway may still say that it cannot ask Redis, in milliseconds. */
const STILL_MS = 3_000;

/** No agent hears that Redis is away while it is there for every gateway. */
export function checkStoreAway(file: CallFile, outages: readonly Outage[]): Violation[] {
  const denied = [...file.refused, ...file.unknown].find(
    ({ reason, atMs }) =>
      reason === "STORE_UNAVAILABLE" &&
      !outages.some((outage) => overlap(outage, { fromMs: atMs - STILL_MS, toMs: atMs })),
  );
  if (denied === undefined) return [];
  return [
    {
      rule: "nobody is told that Redis is away while it is there",
      sort: "stuck",
      call: file.call,
      message: `request ${denied.request} was told so`,
      evidence: linesOf(file),
    },
  ];
}
