import { type CallFile, linesOf } from "./call-file.js";
import type { ReadDelta, Violation } from "./evidence.js";

/**
 * Output is byte-identical for every reader: on every node, from the beginning and from every cursor (there, what comes
 * after it), and for the agents that followed the call while it ran.
 */
export function checkReaders(file: CallFile): Violation[] {
  const differs = (message: string): Violation => ({
    rule: "output is the same for every reader, from every cursor, on every node",
    sort: "other",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const follows = (file.record?.readings ?? []).flatMap(({ node, asked, answer }) =>
    asked.kind === "follow" && answer.kind === "ended" ? [{ node, cursor: asked.cursor, deltas: answer.deltas }] : [],
  );
  const whole = follows.find(({ cursor }) => cursor === "");
  if (whole === undefined) return [];
  for (const { node, cursor, deltas } of follows) {
    const from = cursor === "" ? 0 : whole.deltas.findIndex((delta) => delta.cursor === cursor) + 1;
    if (!same(deltas, whole.deltas.slice(from))) {
      return [differs(`${node} tells other output from cursor "${cursor}" than ${whole.node} does`)];
    }
  }
  if (file.flushes > 0) return [];
  for (const { request, deltas } of file.ended) {
    if (deltas !== undefined && !same(deltas, whole.deltas)) {
      return [differs(`request ${request} saw other output than what is read now`)];
    }
  }
  return [];
}

function same(a: readonly ReadDelta[], b: readonly ReadDelta[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other?.cursor === one.cursor && other.attempt === one.attempt && other.data === one.data;
    })
  );
}
