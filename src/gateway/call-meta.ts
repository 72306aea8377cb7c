import { invalidField } from "../identity/names.js";
import { isTraceparent, type TraceContext } from "../observe/traces/trace-context.js";
import { wireName } from "../protocol/wire-name.js";

const META_FIELDS = [
  "runId",
  "sessionId",
  "turnId",
  "toolCallId",
  "parentToolCallId",
  "traceparent",
  "tracestate",
] as const;

/** What an agent said about a call: what is absent was not said. */
export type CallMeta = Partial<Record<(typeof META_FIELDS)[number], string>>;

const MAX_META_CHARACTERS = 256;
const MAX_TRACESTATE_CHARACTERS = 512;
const CONTROL = /\p{Cc}/u;

/**
 * Checks what an agent says about a call; an empty text says nothing.
 *
 * @param trace what came with the request itself: it stands in where the agent names no trace of the call's own.
 * @throws ToolgateError INVALID_REQUEST
 */
export function parseMeta(said: CallMeta | null, trace: TraceContext): CallMeta {
  const meta: CallMeta = {};
  for (const field of META_FIELDS) {
    const value = said?.[field] ?? "";
    if (value === "") continue;
    const limit = field === "tracestate" ? MAX_TRACESTATE_CHARACTERS : MAX_META_CHARACTERS;
    if (value.length > limit || CONTROL.test(value)) {
      throw invalidField(
        `call.meta.${wireName(field)}`,
        `must be at most ${limit} characters without control characters`,
      );
    }
    meta[field] = value;
  }
  // A broken trace header is ignored, as the recommendation asks; the call matters more.
  if (meta.traceparent === undefined && trace.traceparent !== undefined)
    meta.traceparent = trace.traceparent.slice(0, MAX_META_CHARACTERS);
  if (meta.traceparent !== undefined && !isTraceparent(meta.traceparent)) delete meta.traceparent;
  if (meta.tracestate === undefined && trace.tracestate !== undefined && !CONTROL.test(trace.tracestate)) {
    meta.tracestate = trace.tracestate.slice(0, MAX_TRACESTATE_CHARACTERS);
  }
  if (meta.traceparent === undefined) delete meta.tracestate;
  return meta;
}

/** The ids of a call that its agent can ask for again, and get the first one's answer. */
export function repeatIds(meta: CallMeta): { readonly runId: string; readonly toolCallId: string } | undefined {
  const { runId, toolCallId } = meta;
  return runId === undefined || toolCallId === undefined ? undefined : { runId, toolCallId };
}

/** What was said about a call, as its record has it. */
export function storedMeta(meta: CallMeta): string {
  return Object.keys(meta).length === 0 ? "" : JSON.stringify(meta);
}

/** Reads what `storedMeta` wrote. */
export function readStoredMeta(text: string): CallMeta {
  return text === "" ? {} : (JSON.parse(text) as CallMeta); // written by the node that admitted the call
}
