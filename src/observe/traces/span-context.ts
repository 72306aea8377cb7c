import { type Context, createTraceState, ROOT_CONTEXT, type Span, type SpanContext, trace } from "@opentelemetry/api";
import { isSampled, type TraceContext } from "./trace-context.js";

/** A valid trace context as OpenTelemetry has it. */
export function toSpanContext({
  traceparent,
  tracestate,
}: TraceContext & { readonly traceparent: string }): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: isSampled(traceparent) ? 1 : 0,
    isRemote: true,
    ...(tracestate === undefined || tracestate === "" ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** The context below another process's span. */
export function remoteContext(context: TraceContext & { readonly traceparent: string }): Context {
  return trace.setSpanContext(ROOT_CONTEXT, toSpanContext(context));
}

/** A span's context as it is sent on: https://www.w3.org/TR/trace-context/#traceparent-header */
export function toTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}

/** Whether a span is recorded and so has to be described. */
export function isRecorded(span: Span | undefined): span is Span {
  return span?.isRecording() === true;
}
