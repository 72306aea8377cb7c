import { type CallFile, linesOf } from "./call-file.js";
import type { ReadDelta, Violation } from "./evidence.js";

/**
 * Output is what a run said, in its order and once: each run numbers its pieces from 1. A piece may be missing, where the way to
 * Redis broke; none comes twice, and none is of another attempt than the one that gave it.
 */
export function checkOutput(file: CallFile): Violation[] {
  const broken = (message: string): Violation => ({
    rule: "output is what a run said, in order and once",
    sort: "doubled",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const whole = (file.record?.readings ?? []).flatMap(({ asked, answer }) =>
    asked.kind === "follow" && asked.cursor === "" && answer.kind === "ended" ? [answer.deltas] : [],
  );
  const attempts = new Map(file.starts.map(({ run, attempt }) => [run, attempt]));
  for (const deltas of [...whole, ...file.ended.map(({ deltas = [] }) => deltas)] satisfies (readonly ReadDelta[])[]) {
    const pieces = new Map<string, number>();
    for (const { data, attempt } of deltas) {
      const { run, piece } = JSON.parse(data) as Partial<{ readonly run: string; readonly piece: number }>; // our own tools give it
      if (run === undefined || piece === undefined) continue;
      const before = pieces.get(run) ?? 0;
      if (piece <= before) return [broken(`piece ${piece} of the run ${run} came after piece ${before}`)];
      pieces.set(run, piece);
      const ran = attempts.get(run);
      if (ran !== attempt)
        return [broken(`a piece of the run ${run}, attempt ${ran}, is told as of attempt ${attempt}`)];
    }
  }
  return [];
}
