import { isTraceparent, isTracestate, type TraceContext } from "../../observe/traces/trace-context.js";

const NONE: TraceContext = Object.freeze({});

/**
 * The trace context of a request's metadata or headers, `tracestate` with its parts joined. One that is malformed is left out, as the recommendation demands: a trace is
 * never a reason to refuse a request.
 */
export function readTraceContext(traceparent: unknown, tracestate: string): TraceContext {
  if (typeof traceparent !== "string" || !isTraceparent(traceparent)) return NONE;
  return { traceparent, tracestate: isTracestate(tracestate) ? tracestate : undefined };
}
