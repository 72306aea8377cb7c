import { Type } from "typebox";
import type { CallHandle } from "../../../protocol/generated/toolgate/v1/CallHandle.js";
import type { CallSummary } from "../../../protocol/generated/toolgate/v1/CallSummary.js";
import type { GetCallResponse } from "../../../protocol/generated/toolgate/v1/GetCallResponse.js";
import type { Terminal } from "../../../protocol/generated/toolgate/v1/Terminal.js";
import { rawOf } from "./raw.js";
import { wordOf } from "./words.js";

const CALL_ID = Type.String({ description: "The call; opaque." });
export const CALL_PARAM = Type.String({ maxLength: 256, description: "The call's id." });

const HANDLE = {
  callId: CALL_ID,
  toolset: Type.String(),
  tool: Type.String(),
  epoch: Type.Integer({ description: "The epoch that serves it." }),
  digest: Type.String({ description: "The digest of that epoch's contract." }),
  deadlineMs: Type.Integer({ description: "When it will have ended at the latest, in Unix milliseconds." }),
  expiresMs: Type.Integer({ description: "Until when its outcome can be read, in Unix milliseconds; at least." }),
  warnings: Type.Array(Type.String(), { description: "What the caller asked for and did not get, in words." }),
};

export const TERMINAL = Type.Object(
  {
    kind: Type.String({
      description:
        "`result`, `tool_error`, `not_executed`, `cancelled`, `outcome_unknown` or `attempts_exhausted`; others may be added.",
    }),
    executed: Type.String({ description: "Whether the tool ran: `no`, `yes` or `unknown`." }),
    attempt: Type.Integer({ description: "The attempt that ended it; 0 when it was never delivered." }),
    endedAtMs: Type.Integer({ description: "When, in Unix milliseconds." }),
    unchecked: Type.Optional(Type.Boolean({ description: "The result was not checked against its schema." })),
    result: Type.Optional(Type.Unknown({ description: "The result, as it came." })),
    error: Type.Optional(
      Type.Object({
        reason: Type.String(),
        origin: Type.String({ description: "Whose word the reason is: `gateway` or `tool`." }),
        message: Type.String(),
        retryAfterMs: Type.Optional(Type.Integer()),
        violations: Type.Optional(Type.Array(Type.Object({ field: Type.String(), description: Type.String() }))),
        details: Type.Optional(Type.Unknown({ description: "The tool's own, as they came." })),
      }),
    ),
  },
  { $id: "Terminal", description: "How a call ended: the same for every reader." },
);

export const CALL = Type.Object(
  {
    ...HANDLE,
    state: Type.String({ description: "`queued`, `claimed` or `ended`; others may be added." }),
    attempt: Type.Integer({ description: "The current attempt; 0 while it waits for its first." }),
    cancelRequested: Type.Boolean(),
    admittedAtMs: Type.Integer({ description: "When it was admitted, in Unix milliseconds." }),
    terminal: Type.Optional(TERMINAL),
  },
  { $id: "Call" },
);

export const CALL_HANDLE = Type.Object(HANDLE, { $id: "CallHandle" });

export const ACCEPTED_CALL = Type.Object(
  { ...HANDLE, repeatedRequest: Type.Boolean({ description: "The call existed already: this was a repeat of it." }) },
  { $id: "AcceptedCall" },
);

export const CANCELLED_CALL = Type.Object(
  {
    state: Type.String({ description: "`claimed` means that its provider was told." }),
    terminal: Type.Optional(TERMINAL),
  },
  { $id: "CancelledCall" },
);

export const CALL_PAGE = Type.Object(
  {
    calls: Type.Array(
      Type.Object({
        ...HANDLE,
        state: Type.String(),
        attempt: Type.Integer(),
        cancelRequested: Type.Boolean(),
        queuedAtMs: Type.Integer({ description: "When it began to wait; 0 when it has ended." }),
        claimEndsMs: Type.Integer({ description: "Until when its provider's claim lasts; 0 where there is none." }),
        providerId: Type.String({ description: "The provider that has it, or had it last." }),
        nodeId: Type.String({ description: "The node that delivered it there." }),
        principal: Type.String({ description: "The principal that made it." }),
        admittedAtMs: Type.Integer({ description: "When it was admitted, in Unix milliseconds." }),
        firstClaimedAtMs: Type.Integer({ description: "When a provider got it first; 0 where none has." }),
        endedAtMs: Type.Optional(Type.Integer({ description: "When it ended; absent where it has not." })),
        kind: Type.Optional(Type.String({ description: "How it ended, as in `Terminal`; absent where it has not." })),
        reason: Type.Optional(Type.String({ description: "Why there is no result; empty with one." })),
      }),
    ),
    nextPageToken: Type.String(),
    timeMs: Type.Integer({ description: "When the page was read, in Unix milliseconds." }),
    sampled: Type.Boolean({
      description: "Of calls that ended with a result, the page has a part: the registry is busy.",
    }),
  },
  { $id: "CallPage" },
);

export const CALL_EVENT = Type.Object(
  {
    attempt: Type.Optional(Type.Integer({ description: "Of `output`: a higher one starts anew." })),
    data: Type.Optional(Type.Unknown({ description: "Of `output`: what the tool said, as it came." })),
    terminal: Type.Optional(TERMINAL),
  },
  { $id: "CallEvent" },
);

export function handleOf(handle: CallHandle | null | undefined): object {
  const { callId = "", toolset = "", tool = "", epoch = 0, digest = "", deadlineMs = 0, expiresMs = 0 } = handle ?? {};
  return {
    ...{ callId, toolset, tool, epoch: Number(epoch), digest },
    ...{ deadlineMs: Number(deadlineMs), expiresMs: Number(expiresMs), warnings: handle?.warnings ?? [] },
  };
}

export function terminalOf(terminal: Terminal): object {
  const { kind, executed, attempt = 0, endedAtMs = 0, unchecked, error } = terminal;
  const result = rawOf(terminal.resultJson);
  return {
    kind: wordOf("TERMINAL_KIND_", kind),
    executed: executedOf(executed),
    attempt,
    endedAtMs: Number(endedAtMs),
    ...(unchecked === true ? { unchecked } : {}),
    ...(result === undefined ? {} : { result }),
    ...(error === undefined || error === null ? {} : { error: errorOf(error) }),
  };
}

/** What is not known of a newer version is not known. */
export function executedOf(executed: Terminal["executed"]): string {
  const word = wordOf("EXECUTED_", executed);
  return word === "no" || word === "yes" ? word : "unknown";
}

export function errorOf(error: NonNullable<Terminal["error"]>): {
  readonly reason: string;
  readonly origin: string;
  readonly message: string;
  readonly [more: string]: unknown;
} {
  const { reason = "", message = "", origin, retryAfterMs = 0, violations = [] } = error;
  const details = rawOf(error.detailsJson);
  return {
    reason,
    origin: wordOf("ERROR_ORIGIN_", origin) === "tool" ? "tool" : "gateway",
    message,
    ...(retryAfterMs === 0 ? {} : { retryAfterMs }),
    ...(violations.length === 0 ? {} : { violations }),
    ...(details === undefined ? {} : { details }),
  };
}

export function callOf(call: GetCallResponse): object {
  const { handle, state, attempt = 0, cancelRequested = false, terminal, admittedAtMs = 0 } = call;
  return {
    ...handleOf(handle),
    state: wordOf("CALL_STATE_", state),
    attempt,
    cancelRequested,
    admittedAtMs: Number(admittedAtMs),
    ...(terminal === undefined || terminal === null ? {} : { terminal: terminalOf(terminal) }),
  };
}

export function listedCallOf(call: CallSummary): object {
  const { handle, state, attempt = 0, cancelRequested = false, providerId = "", nodeId = "" } = call;
  return {
    ...handleOf(handle),
    state: wordOf("CALL_STATE_", state),
    ...{ attempt, cancelRequested, providerId, nodeId },
    queuedAtMs: Number(call.queuedAtMs ?? 0),
    claimEndsMs: Number(call.claimEndsMs ?? 0),
    principal: call.principal ?? "",
    admittedAtMs: Number(call.admittedAtMs ?? 0),
    firstClaimedAtMs: Number(call.firstClaimedAtMs ?? 0),
    ...(state === "CALL_STATE_ENDED"
      ? { endedAtMs: Number(call.endedAtMs ?? 0), kind: wordOf("TERMINAL_KIND_", call.kind), reason: call.reason ?? "" }
      : {}),
  };
}
