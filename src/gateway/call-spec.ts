import { hash } from "node:crypto";
import {
  type Digest,
  invalidField,
  parseDigest,
  parseToolName,
  parseToolsetName,
  type ToolName,
  type ToolsetName,
} from "../identity/names.js";
import type { CallMeta__Output } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CallSpec__Output } from "../protocol/generated/toolgate/v1/CallSpec.js";
import { wireName } from "../protocol/wire-name.js";

/** What an agent said about a call: what is absent was not said. */
export type CallMeta = Partial<Record<(typeof META_FIELDS)[number], string>>;

/** One tool invocation, as the agent asked for it. */
export interface CallSpec {
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  readonly payload: Buffer;
  readonly meta: CallMeta;
  /** Its id is derived from what a repeat says again; otherwise it is random, and there is no repeat. */
  readonly repeatable: boolean;
  readonly expectDigest: Digest | undefined;
  readonly wait: boolean;
  /** Whether the call runs on when its caller's connection goes. */
  readonly continueOnDisconnect: boolean;
  /** 0 when the agent named none. */
  readonly timeoutMs: number;
  /** How many nodes were lost with the call under way, as its client says. */
  readonly lostNodes: number;
}

const META_FIELDS = [
  "runId",
  "sessionId",
  "turnId",
  "toolCallId",
  "parentToolCallId",
  "traceparent",
  "tracestate",
] as const;
const MAX_META_CHARACTERS = 256;
const MAX_TRACESTATE_CHARACTERS = 512;
const CONTROL = /\p{Cc}/u;
/** Version, trace id, parent id, flags: https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const EMPTY_OBJECT = Buffer.from("{}");

/** Trace context that came with the request itself. */
export interface TraceContext {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** Reads a call from the wire. @throws ToolgateError INVALID_REQUEST */
export function parseCallSpec(wire: CallSpec__Output | null, trace: TraceContext): CallSpec {
  if (wire === null) throw invalidField("call", "is missing");
  const meta = parseMeta(wire.meta, trace);
  return {
    toolset: parseToolsetName(wire.toolset, "call.toolset"),
    tool: parseToolName(wire.tool, "call.tool"),
    payload: wire.payloadJson.length === 0 ? EMPTY_OBJECT : wire.payloadJson,
    meta,
    repeatable: repeatIds(meta) !== undefined,
    expectDigest: wire.expectDigest === "" ? undefined : parseDigest(wire.expectDigest, "call.expect_digest"),
    wait: wire.wait === "WAIT_POLICY_WAIT",
    continueOnDisconnect: continues(wire.onDisconnect, meta),
    timeoutMs: wire.timeoutMs,
    lostNodes: wire.lostNodes,
  };
}

/** A caller that gave ids will come back for its call; one that did not, cannot. */
function continues(policy: CallSpec__Output["onDisconnect"], meta: CallMeta): boolean {
  if (policy === "ON_DISCONNECT_CONTINUE") return true;
  if (policy === "ON_DISCONNECT_CANCEL") return false;
  return repeatIds(meta) !== undefined;
}

function parseMeta(wire: CallMeta__Output | null, trace: TraceContext): CallMeta {
  const meta: CallMeta = {};
  for (const field of META_FIELDS) {
    const value = wire?.[field] ?? "";
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
  if (meta.traceparent !== undefined && !TRACEPARENT.test(meta.traceparent)) delete meta.traceparent;
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

/**
 * What makes two requests of the same ids the same: toolset, tool and payload, byte for byte. 132 bits of SHA-256, base64url.
 * A call that cannot be asked for again needs none.
 */
export function requestDigest(spec: CallSpec): string {
  if (!spec.repeatable) return "-";
  const head = Buffer.from(`${spec.toolset}\n${spec.tool}\n`);
  return hash("sha256", Buffer.concat([head, spec.payload]), "base64url").slice(0, 22);
}
