import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { ATTRIBUTE } from "./conventions.js";

/** How a call ended, as spans say it. */
export interface SpanEnd {
  /** `result`, `tool_error`, `cancelled` … */
  readonly kind: string;
  /** A code of the error table or, with `tool_error`, the tool's own; empty with `result`. */
  readonly reason: string;
}

/**
 * Says in a span how its call ended. Any end but a result is an error. That a tool failed is told from all else that can go wrong, as
 * MCP's convention has it: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md
 */
export function recordEnd(span: Span, { kind, reason }: SpanEnd): void {
  span.setAttribute(ATTRIBUTE.end, kind);
  if (kind === "result") return;
  span.setAttribute(ATTRIBUTE.error, kind === "tool_error" || reason === "" ? kind : reason);
  if (kind === "tool_error") span.setAttribute(ATTRIBUTE.reason, reason);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
