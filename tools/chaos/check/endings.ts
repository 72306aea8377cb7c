import { type CallFile, linesOf, readTerminals } from "./call-file.js";
import type { Violation } from "./evidence.js";

/**
 * No call hangs: each has ended when it is read (which is later than every deadline), each reading gives an answer, and
 * each request came to an outcome on its agent's side. A time-out is an outcome; silence is not.
 */
export function checkEnded(file: CallFile): Violation[] {
  const stuck = (message: string): Violation => ({
    rule: "no call hangs",
    sort: "stuck",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const violations: Violation[] = [];
  for (const { node, answer } of file.record?.readings ?? []) {
    if (answer.kind === "unfinished") violations.push(stuck(`still ${answer.state} on ${node} after its deadline`));
    if (answer.kind === "failed") violations.push(stuck(`cannot be read on ${node}: ${answer.why}`));
  }
  const settled = new Set([...file.ended, ...file.refused, ...file.unknown].map(({ request }) => request));
  for (const { request } of file.asked) {
    if (!settled.has(request)) violations.push(stuck(`request ${request} never came to an outcome`));
  }
  return violations.slice(0, 1);
}

/**
 * Exactly one terminal: every reading of the record tells the same bytes, and every agent was told the same. After a flush
 * what an agent was told before may differ from what there is now; the readings still agree.
 */
export function checkOneTerminal(file: CallFile): Violation[] {
  const doubled = (message: string): Violation => ({
    rule: "exactly one terminal, the same for every reader",
    sort: "doubled",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const read = readTerminals(file);
  const distinct = new Set(read.map(({ bytes }) => bytes));
  if (distinct.size > 1) return [doubled(`${distinct.size} different terminals are read`)];
  if (file.flushes > 0) return [];
  const [terminal] = read;
  for (const { terminal: seen, request } of file.ended) {
    // A call without a record is the business of another rule; what agents saw must agree all the same.
    const truth = terminal ?? file.ended[0]?.terminal;
    if (truth === undefined) continue;
    const differs =
      seen.kind !== truth.kind ||
      (seen.kind === "result" && seen.body !== truth.body) ||
      (seen.reason !== undefined && truth.reason !== undefined && seen.reason !== truth.reason) ||
      (seen.attempt !== undefined && truth.attempt !== undefined && seen.attempt !== truth.attempt) ||
      (seen.endedAtMs !== undefined && truth.endedAtMs !== undefined && seen.endedAtMs !== truth.endedAtMs);
    if (differs) return [doubled(`request ${request} was told ${seen.kind}, and the call ended as ${truth.kind}`)];
  }
  return [];
}
