import { isDeepStrictEqual } from "node:util";
import { MCP_ERROR } from "../../src/hosting/call-tool.js";
import { ToolCallError, ToolgateError } from "../../src/index.js";
import { RawJson } from "../../src/json/raw-json.js";
import type { DirectAnswer } from "./direct-client.js";

/** How a call ended, in words that mean the same on both ways. */
export type Answer =
  /** The server's answer that is no failure, whole, as the text that it was written in. */
  | { readonly kind: "result"; readonly body: string }
  /** The server's answer with `isError`, without that member: through a gateway it is a tool error's details. */
  | { readonly kind: "tool_error"; readonly body: unknown }
  /** A JSON-RPC error. */
  | { readonly kind: "rpc_error"; readonly body: { readonly code: number; readonly message: string } }
  /** Refused by the gateway, before the server saw it. */
  | { readonly kind: "refused"; readonly body: string }
  /** Anything else; never equal to another. */
  | { readonly kind: "other"; readonly body: string };

/** An answer that came directly. */
export function directAnswer(answer: DirectAnswer): Answer {
  if (answer.kind === "error") {
    const { code, message } = answer.error;
    return { kind: "rpc_error", body: { code, message } };
  }
  const { isError, ...rest } = answer.result;
  return isError === true ? { kind: "tool_error", body: rest } : { kind: "result", body: answer.text };
}

/** What a call through a gateway threw. */
export function gatewayFailure(error: unknown): Answer {
  if (error instanceof ToolgateError && error.reason === "INVALID_PAYLOAD")
    return { kind: "refused", body: error.message };
  if (!(error instanceof ToolCallError) || error.terminal.kind !== "tool_error")
    return { kind: "other", body: String(error) };
  const { reason, message } = error.terminal;
  const details = error.terminal.details instanceof RawJson ? error.terminal.details.parse() : error.terminal.details;
  if (reason === "TOOL_ERROR") return { kind: "tool_error", body: details };
  if (reason === MCP_ERROR && typeof details === "object" && details !== null && "code" in details)
    return { kind: "rpc_error", body: { code: Number(details.code), message } };
  return { kind: "other", body: `${reason}: ${message}` };
}

/** Whether both ways gave the same, apart from what varies from run to run. */
export function isSame(direct: Answer, through: Answer, varies: readonly RegExp[]): boolean {
  if (direct.kind === "other" || through.kind === "other") return false;
  return direct.kind === through.kind && isDeepStrictEqual(fixed(direct.body, varies), fixed(through.body, varies));
}

/** The value with each text's varying parts replaced by one and the same. */
function fixed(value: unknown, varies: readonly RegExp[]): unknown {
  if (varies.length === 0) return value;
  let text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  for (const pattern of varies) text = text.replace(new RegExp(pattern, "g"), "…");
  return text;
}
