import { type CallFile, linesOf } from "./call-file.js";
import type { Violation } from "./evidence.js";

/**
 * No acknowledged call is lost: an agent that received a handle or a terminal finds the call's record on every node. A flush of
 * Redis after the call was asked for excuses its absence.
 */
export function checkAcknowledged(file: CallFile): Violation[] {
  if (file.admitted.length + file.ended.length === 0 || file.flushes > 0) return [];
  const lost = (message: string): Violation => ({
    rule: "no acknowledged call is lost",
    sort: "lost",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const missing = (file.record?.readings ?? []).filter(({ answer }) => answer.kind === "unknown");
  const nodes = [...new Set(missing.map(({ node }) => node))].join(", ");
  if (missing.length > 0) return [lost(`acknowledged, and unknown to ${nodes}`)];
  const denied = file.unknown.find(({ reason }) => reason === "UNKNOWN_CALL");
  return denied === undefined
    ? []
    : [lost(`request ${denied.request} had its handle, and was told that there is no such call`)];
}
