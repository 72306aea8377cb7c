import type { EndedCalls } from "../../observe/metrics/call-metrics.js";

/** Reads what a script says of the calls that it has ended: see `metered_ends` in ends.lua. */
export function* parseEnds(said: string): Iterable<EndedCalls> {
  const [nowMs, ...lines] = said.split("\n");
  for (const line of lines) {
    const [toolset = "", tool = "", outcome = "", reason = "", admittedMs, ...queued] = line.split(" ");
    const totalMs = Math.max(0, Number(nowMs) - Number(admittedMs));
    yield {
      toolset,
      tool,
      outcome,
      reason,
      totalMs,
      queueMs: queued.map((ms) => (ms === "-" ? undefined : Number(ms))),
    };
  }
}
