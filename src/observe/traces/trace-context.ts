/** W3C trace context (https://www.w3.org/TR/trace-context/), as it is passed on. */
export interface TraceContext {
  /** Version, trace id, parent id and flags. */
  readonly traceparent?: string | undefined;
  /** What tracing systems keep beside it; nothing without a traceparent. */
  readonly tracestate?: string | undefined;
}

/**
 * Later versions may append fields: https://www.w3.org/TR/trace-context/#versioning-of-traceparent. Ids of zeros, and version
 * ff, are invalid.
 */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{0,200})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
/** Where the second digit of the flags stands, in every version. */
const FLAGS_PLACE = 54;
/** The bit that says that the caller may have recorded the trace: https://www.w3.org/TR/trace-context/#sampled-flag */
const SAMPLED = 1;

/** Whether a text is a traceparent. One that is malformed is to be left out: a trace is never a reason to refuse a request. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** Whether a text can be sent as a tracestate: what it lists is for those who wrote it. */
export function isTracestate(text: string): boolean {
  return TRACESTATE.test(text);
}

/** Whether a valid traceparent says that its trace is recorded. It allocates nothing: each call is asked. */
export function isSampled(traceparent: string | undefined): boolean {
  return traceparent !== undefined && sampledAt(traceparent, 0);
}

/** The same of a valid traceparent within a text. */
function sampledAt(text: string, from: number): boolean {
  const digit = text.charCodeAt(from + FLAGS_PLACE);
  // 0 to 9 are 0x30 to 0x39, a to f 0x61 to 0x66: of letters, odd codes are even digits.
  return ((digit > 0x39 ? digit + 1 : digit) & SAMPLED) === SAMPLED;
}

/** The trace id of a valid traceparent, for log lines. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** As JSON has it: no member of a call's meta can have it within its value, where quotes are escaped. */
const MEMBER = '"traceparent":"';

/**
 * Where the meta of a call's record (compact JSON, written by the node that admitted the call) has a traceparent whose trace is
 * recorded; -1 where it has none. It parses nothing: each call that a node delivers is asked.
 */
export function sampledPlaceIn(meta: string): number {
  const found = meta.indexOf(MEMBER);
  if (found < 0) return -1;
  const place = found + MEMBER.length;
  return sampledAt(meta, place) ? place : -1;
}

/** The traceparent that stands at a place of such a meta. */
export function traceparentAt(meta: string, place: number): string {
  return meta.slice(place, meta.indexOf('"', place));
}

/** Such a meta with another traceparent at that place. */
export function withTraceparent(meta: string, place: number, traceparent: string): string {
  return meta.slice(0, place) + traceparent + meta.slice(meta.indexOf('"', place));
}

/** A call's trace id as a log line has it; nothing where its agent sent no trace context. */
export function traceFields(meta: string): { readonly trace_id?: string } {
  const found = meta.indexOf(MEMBER);
  if (found < 0) return {};
  // The name that OpenTelemetry gives it: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
  return { trace_id: traceIdOf(traceparentAt(meta, found + MEMBER.length)) };
}
