/** W3C trace context (https://www.w3.org/TR/trace-context/), as it is passed on. */
export interface TraceContext {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** Version, trace id, parent id and flags; later versions may append fields. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{0,64})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const NONE: TraceContext = Object.freeze({ traceparent: undefined, tracestate: undefined });

/**
 * The trace context of a request's metadata or headers, `tracestate` with its parts joined. One that is malformed is left out, as the recommendation demands: a trace is
 * never a reason to refuse a request.
 */
export function readTraceContext(traceparent: unknown, tracestate: string): TraceContext {
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return NONE;
  return { traceparent, tracestate: TRACESTATE.test(tracestate) ? tracestate : undefined };
}
