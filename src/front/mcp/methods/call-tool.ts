import { shownToolset } from "../../../identity/toolset-name.js";
import { memberOf } from "../../../json/json-slices.js";
import type { CallSpec__Output } from "../../../protocol/generated/toolgate/v1/CallSpec.js";
import { readCall } from "../../http/call-request.js";
import { outlivesCaller } from "../../services/read-call-spec.js";
import { errorReply, failureOf } from "../errors.js";
import { type ToolForm, WRAPPED } from "../listed-tool.js";
import type { McpRequest } from "../mcp-request.js";
import { INTERNAL_ERROR, INVALID_PARAMS, type Members, textOf } from "../message.js";
import type { NamedTools } from "../named-tools.js";
import { paramMismatch } from "../param-headers.js";
import { ProgressReports, type ProgressToken, readProgressToken } from "../progress.js";
import { lastOf, type MethodAnswer, type Notification, type Reply, result, rpcError } from "../reply.js";
import { isModern } from "../revision.js";
import { takesTasks, taskOf } from "../task.js";
import type { NamedTool } from "../tool-names.js";
import { endedReply, refusedResult } from "../tool-result.js";

/**
 * What makes a call repeatable, in the `_meta` of its request: the run and the model's id of the call. Ids of JSON-RPC do not, for each
 * client counts its own from the same number.
 */
export const RUN_META = "com.toolgate/run_id";
export const TOOL_CALL_META = "com.toolgate/tool_call_id";

const NO_ARGUMENTS = Buffer.from("{}");
const OPEN_OBJECT = 0x7b;

/** A call, as the request asks for it. */
interface AskedCall {
  readonly spec: CallSpec__Output;
  readonly form: ToolForm;
}

/** `tools/call`: makes a call, and answers with its end. A client that goes away cancels it. */
export async function callTool(tools: Pick<NamedTools, "find">, request: McpRequest): Promise<MethodAnswer> {
  const { params, envelope, headers, listed } = request;
  const asked = readNamedCall(params, "params");
  if ("kind" in asked) return asked;
  const found = await tools.find(asked.name);
  if (found === undefined) return rpcError(INVALID_PARAMS, unknownName(asked.name));
  const { headers: repeated } = listed.form(found.epoch, found.tool);
  const mismatch = isModern(envelope.revision) ? paramMismatch(repeated, asked.given, headers) : undefined;
  return mismatch ?? callFound(request, found, asked.given);
}

/** A name, and arguments in the bytes that they came as, as two members of an object; or the refusal of what is none. */
export function readNamedCall(members: Members, where: string): { name: string; given: Buffer } | Reply {
  const name = textOf(members.get("name"));
  if (name === undefined) return rpcError(INVALID_PARAMS, `${where}/name must be the name of a tool.`);
  const given = members.get("arguments") ?? NO_ARGUMENTS;
  return given[0] === OPEN_OBJECT ? { name, given } : rpcError(INVALID_PARAMS, `${where}/arguments must be an object.`);
}

export function unknownName(name: string): string {
  return `Unknown tool: ${JSON.stringify(name.slice(0, 128))}.`;
}

/** Calls a tool. @param given its arguments, in the bytes that they came as */
export async function callFound(request: McpRequest, found: NamedTool, given: Buffer): Promise<MethodAnswer> {
  const { envelope } = request;
  const token = readProgressToken(envelope.meta);
  if (token === null) return rpcError(INVALID_PARAMS, "params/_meta/progressToken must be a text or an integer.");
  const call = askedCall(request, found, given);
  if (token !== undefined) return { kind: "stream", messages: follow(request, call, token) };
  return takesTasks(envelope) ? lastOf(follow(request, call, undefined)) : waitFor(request, call);
}

function askedCall(request: McpRequest, { toolset, epoch, tool }: NamedTool, given: Buffer): AskedCall {
  const { ask, headers, envelope, listed } = request;
  const form = listed.form(epoch, tool);
  const payload = form.payload === "object" ? given : (memberOf(given, WRAPPED) ?? Buffer.from("null"));
  const read = readCall(shownToolset(ask.caller.principal.tenant, toolset), tool.name, payload, headers);
  const of = (name: string): string => textOf(envelope.meta.get(name)) ?? "";
  const runId = of(RUN_META) || read.meta?.runId || "";
  const meta = {
    runId,
    sessionId: read.meta?.sessionId ?? "",
    turnId: read.meta?.turnId ?? "",
    toolCallId: of(TOOL_CALL_META) || read.meta?.toolCallId || "",
    parentToolCallId: read.meta?.parentToolCallId ?? "",
    traceparent: of("traceparent"),
    tracestate: of("tracestate"),
  };
  return { spec: { ...read, meta }, form };
}

async function waitFor({ ask, envelope }: McpRequest, { spec, form }: AskedCall): Promise<MethodAnswer> {
  try {
    const { handle, terminal } = await ask.unary("Gateway/Invoke", { call: spec });
    const callId = handle?.callId ?? "";
    const reply = endedReply(terminal ?? {}, callId, form, envelope.revision);
    return { ...reply, headers: { "toolgate-call-id": callId } };
  } catch (error) {
    return refusal(error, form, envelope.revision);
  }
}

/**
 * The call's output as notifications of its progress where there is a token for that, then its end; or a task, where that takes longer and
 * the client takes tasks. Until then the call is its client's: it is cancelled where that goes.
 */
async function* follow(
  { ask, envelope, taskAfterMs }: McpRequest,
  { spec, form }: AskedCall,
  token: ProgressToken | undefined,
): AsyncGenerator<Notification, Reply, void> {
  const reports = token === undefined ? undefined : new ProgressReports(token);
  const within = takesTasks(envelope) ? { withinMs: Math.max(1, taskAfterMs) } : {};
  let open: string | undefined;
  try {
    const { handle } = await ask.unary("Gateway/CallTool", { call: spec });
    const callId = handle?.callId ?? "";
    open = callId;
    try {
      for await (const { deltas = [], terminal } of ask.stream("Gateway/FollowCall", { callId }, within)) {
        for (const { dataJson } of deltas) {
          const report = reports?.next(dataJson);
          if (report !== undefined) yield report;
        }
        if (terminal === undefined || terminal === null) continue;
        open = undefined;
        return endedReply(terminal, callId, form, envelope.revision);
      }
      return rpcError(INTERNAL_ERROR, "The call's output ended before the call.");
    } catch (error) {
      if (!takesTasks(envelope) || failureOf(error).error.reason !== "DEADLINE_EXCEEDED") throw error;
      const task = await ask.unary("Gateway/GetCall", { callId });
      open = undefined;
      return result({ ...taskOf(task), resultType: "task" });
    }
  } catch (error) {
    return refusal(error, form, envelope.revision);
  } finally {
    if (open !== undefined && !outlivesCaller(spec))
      await ask.unary("Gateway/CancelCall", { callId: open }).catch(() => {}); // its caller is gone, and hears of nothing
  }
}

function refusal(thrown: unknown, form: ToolForm, revision: McpRequest["envelope"]["revision"]): Reply {
  const refused = refusedResult(failureOf(thrown).error, form, revision);
  return refused === undefined ? errorReply(thrown) : result(refused);
}
