import type { GetCallResponse } from "../../protocol/generated/toolgate/v1/GetCallResponse.js";
import { readObject } from "./message.js";
import type { Envelope } from "./revision.js";

/*
 * The tasks extension (SEP-2663): a task is a call, which is durable before anything is answered of it, and its id is the call's. Any node
 * tells of it, to whom may follow the call.
 */

/** By which clients and servers name the extension. */
export const TASKS = "io.modelcontextprotocol/tasks";
/** How often a client should ask, in milliseconds. */
const POLL_MS = 1_000;

/** Whether a request's client takes tasks: it says so in each request. */
export function takesTasks({ capabilities }: Envelope): boolean {
  const extensions = readObject(capabilities.get("extensions"));
  return typeof extensions === "object" && typeof readObject(extensions.get(TASKS)) === "object";
}

/** A call as a task, without how it ended. */
export function taskOf({ handle, state, terminal, admittedAtMs = 0 }: GetCallResponse): {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly [more: string]: unknown;
} {
  const createdAtMs = Number(admittedAtMs);
  const updatedAtMs = Math.max(createdAtMs, Number(terminal?.endedAtMs ?? 0));
  return {
    taskId: handle?.callId ?? "",
    status: statusOf(state, terminal?.kind),
    createdAt: new Date(createdAtMs).toISOString(),
    lastUpdatedAt: new Date(updatedAtMs).toISOString(),
    ttlMs: Math.max(0, Number(handle?.expiresMs ?? 0) - createdAtMs),
    pollIntervalMs: POLL_MS,
  };
}

export type TaskStatus = "working" | "completed" | "cancelled" | "failed";

/** What the tool says, and that it was not or may not have been run, is an outcome. */
function statusOf(
  state: GetCallResponse["state"],
  kind: NonNullable<GetCallResponse["terminal"]>["kind"],
): Exclude<TaskStatus, "failed"> {
  if (state !== "CALL_STATE_ENDED") return "working";
  return kind === "TERMINAL_KIND_CANCELLED" ? "cancelled" : "completed";
}
