import { Type } from "typebox";
import type { DeadCall } from "../../../protocol/generated/toolgate/v1/DeadCall.js";

export const DEAD_CALL_PARAM = Type.String({ maxLength: 64, description: "Its place among the toolset's dead calls." });

const DEAD_CALL = {
  id: Type.String({ description: "Its place among the toolset's dead calls." }),
  callId: Type.String(),
  toolset: Type.String(),
  tool: Type.String(),
  epoch: Type.Integer({ description: "The epoch that it was given up in." }),
  reason: Type.String({ description: "Why, as a word from the error table." }),
  attempts: Type.Integer({ description: "How often it was delivered." }),
  diedAtMs: Type.Integer({ description: "When it was given up, in Unix milliseconds." }),
  payloadBytes: Type.Integer(),
  runId: Type.String({ description: "The agent's run." }),
  sessionId: Type.String(),
  turnId: Type.String(),
  toolCallId: Type.String({ description: "The model's id of the call." }),
  parentToolCallId: Type.String(),
};

export const DEAD_CALL_PAGE = Type.Object(
  { calls: Type.Array(Type.Object(DEAD_CALL), { description: "Newest first." }), nextPageToken: Type.String() },
  { $id: "DeadCallPage" },
);

export const DEAD_CALL_WHOLE = Type.Object(
  { ...DEAD_CALL, payload: Type.Unknown({ description: "Its arguments, as they came." }) },
  { $id: "DeadCall" },
);

export function deadCallOf(call: DeadCall): object {
  const { id = "", callId = "", toolset = "", tool = "", epoch = 0, reason = "", attempts = 0, diedAtMs = 0 } = call;
  const { runId = "", sessionId = "", turnId = "", toolCallId = "", parentToolCallId = "" } = call.meta ?? {};
  return {
    ...{ id, callId, toolset, tool, epoch: Number(epoch), reason, attempts, diedAtMs: Number(diedAtMs) },
    payloadBytes: call.payloadBytes ?? 0,
    ...{ runId, sessionId, turnId, toolCallId, parentToolCallId },
  };
}
