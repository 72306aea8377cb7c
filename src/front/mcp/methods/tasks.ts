import { resolveToolset } from "../../../identity/toolset-name.js";
import type { GetCallResponse } from "../../../protocol/generated/toolgate/v1/GetCallResponse.js";
import type { ToolForm } from "../listed-tool.js";
import type { McpMethod, McpRequest } from "../mcp-request.js";
import { INVALID_PARAMS, textOf } from "../message.js";
import { type Reply, result, rpcError } from "../reply.js";
import { MISSING_CAPABILITY } from "../revision.js";
import { TASKS, takesTasks, taskOf } from "../task.js";
import { endedReply } from "../tool-result.js";

const ACKNOWLEDGED = { resultType: "complete" } as const;

/** `tasks/get`: how far a task is, and with what it ended. */
export const getTask: McpMethod = (request) =>
  withTask(request, async (callId) => {
    const call = await request.ask.unary("Gateway/GetCall", { callId });
    return result({ ...ACKNOWLEDGED, ...stateOf(request, call) });
  });

/** `tasks/cancel`: asks its tool to stop. One that has ended stays as it is. */
export const cancelTask: McpMethod = (request) =>
  withTask(request, async (callId) => {
    await request.ask.unary("Gateway/CancelCall", { callId });
    return result(ACKNOWLEDGED);
  });

/** `tasks/update`: takes answers to what a task asked for. What it did not ask for is not read. */
export const updateTask: McpMethod = (request) =>
  withTask(request, async (callId) => {
    await request.ask.unary("Gateway/GetCall", { callId });
    return result(ACKNOWLEDGED);
  });

function withTask(request: McpRequest, answer: (callId: string) => Promise<Reply>): Reply | Promise<Reply> {
  if (!takesTasks(request.envelope)) {
    return rpcError(MISSING_CAPABILITY, "The client does not say that it takes tasks.", {
      status: 400,
      data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
    });
  }
  const callId = textOf(request.params.get("taskId"));
  return callId === undefined ? rpcError(INVALID_PARAMS, "params/taskId must be the id of a task.") : answer(callId);
}

function stateOf(request: McpRequest, call: GetCallResponse): object {
  const task = taskOf(call);
  const { terminal } = call;
  if (terminal === undefined || terminal === null || task.status === "cancelled") return task;
  const reply = endedReply(terminal, task.taskId, formOf(request, call), request.envelope.revision);
  return reply.kind === "result"
    ? { ...task, result: reply.result }
    : { ...task, status: "failed", error: reply.error };
}

/** Results of a tool that is not known any more are values. */
const UNKNOWN_FORM: ToolForm = { payload: "object", result: "value", headers: [] };

function formOf({ reader, listed }: McpRequest, { handle }: GetCallResponse): ToolForm {
  const { toolset = "", tool: name = "", digest = "" } = handle ?? {};
  const view = reader.visible.get(resolveToolset(reader.tenant, toolset, "toolset"));
  const epoch = view?.epochs.find((known) => known.digest === digest) ?? view?.shown;
  const tool = epoch?.tool(name);
  return epoch === undefined || tool === undefined ? UNKNOWN_FORM : listed.form(epoch, tool);
}
