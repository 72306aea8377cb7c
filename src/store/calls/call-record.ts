import type { Delivery } from "../../contract/contract.js";
import type { Executed } from "../../errors/codes.js";
import type { CallerName } from "../../identity/caller-name.js";
import type { Digest, Epoch, ToolName, ToolsetName } from "../../identity/names.js";

/** What was fixed about a call when it was admitted. Times are Unix milliseconds by Redis's clock. */
export interface CallHead {
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  readonly epoch: Epoch;
  readonly digest: Digest;
  readonly delivery: Delivery;
  readonly deadlineMs: number;
  /** How long the outcome is kept, in milliseconds. */
  readonly retentionMs: number;
  readonly admittedMs: number;
  /** The tenant and the principal that made the call. */
  readonly caller: CallerName;
  /** All of it as its record says it, with what a later version has appended. */
  readonly text: string;
}

/** Where a call stands. `unknown`: a later version knows what; it lives, and no attempt of it is begun. */
export type CallState = "queued" | "claimed" | "ended" | "unknown";

/** Reads where a call stands, or \`ended\`, as the scripts say it. */
export function parseState(text: string): CallState {
  return text === "queued" || text === "claimed" || text === "ended" ? text : "unknown";
}

/** How an admitted call can end; a refusal before admission has no record. `unknown`: a later version knows what; its reason says more. */
export type EndKind = (typeof END_KINDS)[number] | "unknown";
const END_KINDS = [
  "result",
  "tool_error",
  "not_executed",
  "cancelled",
  "outcome_unknown",
  "attempts_exhausted",
] as const;

/** How a call ended: one per call, the same for every reader. */
export interface Ending {
  readonly kind: EndKind;
  /** From the error table or, with `tool_error`, the tool's own; empty with `result`. */
  readonly reason: string;
  readonly attempt: number;
  readonly endedAtMs: number;
  /** With `result` its JSON, otherwise empty or JSON of message and details. */
  readonly body: Buffer;
  /** The result was not checked against its schema, since no verdict could be had. */
  readonly unchecked: boolean;
}

/**
 * An end that was left in Redis when something else was read with it, because it is large: `LargeReadings` reads it, in turns.
 */
export interface LargeEnding {
  readonly kind: "large";
}

/** How a call ended, as it is said beside other things. */
export type SaidEnding = Ending | LargeEnding;

/** What the scripts say in place of a large end; see record-lua.ts. */
const LARGE = "large";

/** What stands in place of a reason in the terminal of a result that was not checked; in that of other results there is `-`. */
export const UNCHECKED = "unchecked";

/** Whether the tool ran, by how the call ended. */
export const EXECUTED_BY_END = {
  result: "yes",
  tool_error: "yes",
  not_executed: "no",
  // It stopped, but how far it had got is not known.
  cancelled: "unknown",
  outcome_unknown: "unknown",
  attempts_exhausted: "unknown",
  unknown: "unknown",
} as const satisfies Record<EndKind, Executed>;

/** Why a provider is asked to stop a call. */
export type StopReason = "CANCELLED" | "DEADLINE_EXCEEDED";

/** Reads why a call is to stop, or the `-` that the scripts say in place of a reason. */
export function parseStop(text: string): StopReason | undefined {
  return text === "CANCELLED" || text === "DEADLINE_EXCEEDED" ? text : undefined;
}

/** Makes a head, as ADMIT writes it into a call's record. */
export function makeHead(head: Omit<CallHead, "text">): CallHead {
  const { toolset, tool, epoch, digest, delivery, deadlineMs, retentionMs, admittedMs, caller } = head;
  const times = `${deadlineMs} ${retentionMs} ${admittedMs}`;
  return { ...head, text: `${toolset} ${tool} ${epoch} ${digest} ${delivery} ${times} ${caller}` };
}

/** Reads a head, to which a later version may have appended. The scripts wrote it, so the casts only give its words their names. */
export function parseHead(text: string): CallHead {
  const words = text.split(" ");
  const [toolset, tool, epoch, digest, delivery, deadline, retention, admitted, tenant = "", principal = ""] = words;
  return {
    toolset: toolset as ToolsetName,
    tool: tool as ToolName,
    epoch: Number(epoch) as Epoch,
    digest: digest as Digest,
    delivery: delivery === "idempotent" ? delivery : "once",
    deadlineMs: Number(deadline),
    retentionMs: Number(retention),
    admittedMs: Number(admitted),
    caller: `${tenant} ${principal}` as CallerName,
    text,
  };
}

/** Reads what a script says of a call's end: the terminal, or that it is large. The body is a view of the given bytes. */
export function parseSaidEnding(bytes: Buffer): SaidEnding {
  const isLarge = bytes.length === LARGE.length && bytes.toString("latin1") === LARGE;
  return isLarge ? { kind: "large" } : parseEnding(bytes);
}

/** Reads a terminal; the body is a view of the given bytes. */
export function parseEnding(bytes: Buffer): Ending {
  const line = bytes.indexOf(10);
  return endingOf(bytes.toString("latin1", 0, line).split(" "), bytes.subarray(line + 1));
}

/** The words of a terminal's line, of which a later version may append more, and its body. */
export function endingOf(words: readonly (string | undefined)[], body: Buffer): Ending {
  const [kind, reason, attempt, endedAt] = words;
  const isResult = kind === "result";
  return {
    kind: END_KINDS.find((known) => known === kind) ?? "unknown",
    reason: isResult || reason === "-" ? "" : (reason ?? ""),
    attempt: Number(attempt),
    endedAtMs: Number(endedAt),
    body,
    unchecked: isResult && reason === UNCHECKED,
  };
}
