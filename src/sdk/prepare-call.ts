import { randomUUID } from "node:crypto";
import { invalidField } from "../identity/names.js";
import type { CallMeta } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CallSpec } from "../protocol/generated/toolgate/v1/CallSpec.js";
import type { CallOptions } from "./call-options.js";
import { encodeJson } from "./json-bytes.js";

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A call as it is sent, and what decides whether it can be sent again. */
export interface PreparedCall {
  readonly spec: CallSpec;
  readonly payloadBytes: number;
  /** About what it takes in a frame. */
  readonly bytes: number;
  /** Sending it again attaches to the first one. */
  readonly repeatable: boolean;
  /** Only this client knows its ids. */
  readonly ownIds: boolean;
  readonly timeoutMs: number | undefined;
}

/** @throws ToolgateError INVALID_REQUEST for what no node would take. */
export function prepareCall(
  toolset: string,
  tool: string,
  payload: unknown,
  options: CallOptions,
  clientRunId: string,
): PreparedCall {
  const payloadJson = encodePayload(payload);
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidField("timeoutMs", `must be between 1 and ${MAX_TIMEOUT_MS}`);
  }
  // Set one by one: spread, what is mostly absent costs more than the rest.
  const meta: CallMeta = { runId: options.runId ?? clientRunId, toolCallId: options.toolCallId ?? randomUUID() };
  if (options.sessionId !== undefined) meta.sessionId = options.sessionId;
  if (options.turnId !== undefined) meta.turnId = options.turnId;
  if (options.parentToolCallId !== undefined) meta.parentToolCallId = options.parentToolCallId;
  if (options.traceparent !== undefined) meta.traceparent = options.traceparent;
  if (options.tracestate !== undefined) meta.tracestate = options.tracestate;
  const spec: CallSpec = {
    toolset,
    tool,
    payloadJson,
    meta,
    wait: options.wait === true ? "WAIT_POLICY_WAIT" : "WAIT_POLICY_FAIL_FAST",
    onDisconnect: options.onDisconnect === "cancel" ? "ON_DISCONNECT_CANCEL" : "ON_DISCONNECT_CONTINUE",
    timeoutMs: timeoutMs === undefined ? 0 : Math.ceil(timeoutMs),
  };
  if (options.expectDigest !== undefined) spec.expectDigest = options.expectDigest;
  if (options.webhook !== undefined) spec.webhook = options.webhook;
  return {
    spec,
    payloadBytes: payloadJson.length,
    bytes: payloadJson.length + 256,
    repeatable: options.onDisconnect !== "cancel",
    ownIds: options.toolCallId === undefined,
    timeoutMs,
  };
}

/** The same call with what is left of its time, and with the number of nodes that were lost with it: all that a repeat differs in. */
export function repeatOf(call: PreparedCall, leftMs: number | undefined, lostNodes: number): CallSpec {
  if (leftMs === undefined && lostNodes === 0) return call.spec;
  // With no time left it can still be attached to, and then it ends at once, one way or the other.
  const timeoutMs = leftMs === undefined ? 0 : Math.max(1, Math.ceil(leftMs));
  return { ...call.spec, timeoutMs, lostNodes };
}

function encodePayload(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  const encoded = encodeJson(payload === undefined ? {} : payload);
  if (encoded.kind === "refused") throw invalidField("payload", `must be JSON: ${encoded.why}`);
  return encoded.bytes;
}
