/*
 * What spans and their attributes are called, all in this one place. Where OpenTelemetry has a name, it is that one:
 *
 * - tools and agents: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/execute-tool.md
 * - MCP: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
 * - gRPC: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 * - messaging: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 * - errors: https://opentelemetry.io/docs/specs/semconv/general/recording-errors/
 *
 * What it has no name for begins with `toolgate.`. No attribute ever has a payload, a result, or an error's message.
 */

/** The instrumentation scope of all spans. */
export const SCOPE = "toolgate";

/** Attributes by what they say. */
export const ATTRIBUTE = {
  /** `execute_tool` (GenAI). */
  operation: "gen_ai.operation.name",
  /** The tool's name within its toolset (GenAI). */
  tool: "gen_ai.tool.name",
  /** The model's id of the tool call (GenAI). */
  toolCallId: "gen_ai.tool.call.id",
  /** The conversation (GenAI). */
  conversation: "gen_ai.conversation.id",
  /** `tools/call`, where an MCP server runs the tool (MCP). */
  mcpMethod: "mcp.method.name",
  /** How the MCP server is reached: `pipe` for stdio (MCP). */
  transport: "network.transport",
  /** `grpc`. */
  rpcSystem: "rpc.system.name",
  /** The RPC by its full name: `toolgate.v1.Gateway/Invoke`. */
  rpcMethod: "rpc.method",
  /** `toolgate`: the queue of a toolset's calls. */
  messagingSystem: "messaging.system",
  /** The toolset whose queue it is. */
  destination: "messaging.destination.name",
  /** `send` or `process`. */
  messagingOperation: "messaging.operation.type",
  /** A word for how it failed: a code of docs/errors.md, or `tool_error`. */
  error: "error.type",
  /** With `tool_error`: the tool's own reason. */
  reason: "toolgate.reason",
  toolset: "toolgate.toolset",
  callId: "toolgate.call.id",
  epoch: "toolgate.epoch",
  attempt: "toolgate.attempt",
  provider: "toolgate.provider.id",
  /** How the call ended: `result`, `tool_error`, `cancelled` … */
  end: "toolgate.call.end",
  /** The request came to a call that had been made before. */
  repeated: "toolgate.call.repeated",
} as const;

/** `gen_ai.operation.name` of all that is done for a call. */
export const EXECUTE_TOOL = "execute_tool";

/** Names of spans. */
export const SPAN = {
  /** A call as its agent, its node and its provider see it: the convention's `execute_tool {tool}`. */
  call: (tool: string) => `${EXECUTE_TOOL} ${tool}`,
  /** From a request to its call's record. */
  admit: "admit",
  /** From a call's admission to its first claim. */
  queue: "queue",
  /** From a claim to its settled end. */
  attempt: "attempt",
} as const;

/** Names of events within spans. */
export const EVENT = {
  /** The agent's client sent the call again, to another node or over another stream. */
  retried: "toolgate.retried",
  /** The call is with a provider again: another attempt, or the same one, which had not arrived. */
  redelivered: "toolgate.redelivered",
  /** The provider was asked to stop. */
  cancelRequested: "toolgate.cancel_requested",
} as const;

/** The MCP method that calls a tool. */
export const MCP_TOOLS_CALL = "tools/call";
