import { type CallFile, linesOf, readTerminals } from "./call-file.js";
import type { Limits, Violation } from "./evidence.js";

/**
 * How often a call ran: a `once` call at most once, an `idempotent` one at most as often as it may be attempted, no attempt
 * twice; and nothing ran that was not asked for. Each flush of Redis during a call allows for one more life of it.
 */
export function checkExecutions(file: CallFile, limits: Limits): Violation[] {
  const doubled = (message: string): Violation => ({
    rule: "no call runs more often than it may",
    sort: "doubled",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const [asked] = file.asked;
  if (asked === undefined) return [doubled("it ran, and nobody asked for it")];
  const lives = 1 + file.flushes;
  const allowed = (asked.delivery === "once" ? 1 : limits.maxAttempts) * lives;
  if (file.starts.length > allowed) {
    return [doubled(`a call of delivery ${asked.delivery} ran ${file.starts.length} times; ${allowed} allowed`)];
  }
  const attempts = new Map<number, number>();
  for (const { attempt } of file.starts) attempts.set(attempt, (attempts.get(attempt) ?? 0) + 1);
  for (const [attempt, times] of attempts) {
    if (times > lives) return [doubled(`attempt ${attempt} ran ${times} times`)];
  }
  return [];
}

/**
 * What is said not to have run did not: neither a call that ended as `not_executed`, nor one of which every request was
 * refused with `executed = no`.
 */
export function checkNotExecuted(file: CallFile): Violation[] {
  if (file.starts.length === 0 || file.flushes > 0) return [];
  const untrue = (message: string): Violation => ({
    rule: "what is said not to have run did not run",
    sort: "other",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const terminals = [...readTerminals(file), ...file.ended.map(({ terminal }) => terminal)];
  if (terminals.some(({ kind }) => kind === "not_executed")) {
    return [untrue(`ended as not_executed, and ran ${file.starts.length} times`)];
  }
  const requests = new Set(file.asked.map(({ request }) => request));
  const refused = new Set(file.refused.map(({ request }) => request));
  if (requests.size > 0 && refused.size === requests.size) {
    return [untrue(`every request was refused with executed = no, and it ran ${file.starts.length} times`)];
  }
  return [];
}

/**
 * No result comes from a fenced attempt: the result is that of a run in the ledger, of this call and of the attempt that
 * the terminal names, and no later attempt ever began.
 */
export function checkFence(file: CallFile): Violation[] {
  const broken = (message: string): Violation => ({
    rule: "no result comes from a fenced attempt",
    sort: "doubled",
    call: file.call,
    message,
    evidence: linesOf(file),
  });
  const [terminal] = readTerminals(file);
  if (terminal === undefined || terminal.kind !== "result") return [];
  const { run } = JSON.parse(terminal.body) as { readonly run?: string }; // our own tools return it
  const start = file.starts.find((line) => line.run === run);
  if (start === undefined) return [broken(`its result is that of the run ${run}, which is in no ledger of this call`)];
  if (start.attempt !== terminal.attempt) {
    return [broken(`its result is of attempt ${start.attempt}, and its terminal names ${terminal.attempt}`)];
  }
  const later = file.starts.find(({ attempt }) => attempt > terminal.attempt);
  if (later === undefined || file.flushes > 0) return [];
  return [broken(`it ended with attempt ${terminal.attempt}, and attempt ${later.attempt} began all the same`)];
}
