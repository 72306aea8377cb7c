import { randomUUID } from "node:crypto";
import { ToolgateError } from "../errors/toolgate-error.js";
import { invalidField } from "../identity/names.js";
import type { CallMeta } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CallSpec } from "../protocol/generated/toolgate/v1/CallSpec.js";
import type { CallOptions } from "./call-options.js";
import { encodeJson } from "./json-bytes.js";

/**
 * The largest payload that is sent at all, in bytes: the registry's own limit (1 MiB by default) is below it, and a
 * frame over a node's message limit would end the session for all its calls.
 */
const MAX_PAYLOAD_BYTES = 7 * 1024 * 1024;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A call as it is sent, and what decides whether it can be sent again. */
export interface PreparedCall {
  readonly spec: CallSpec;
  readonly bytes: number;
  /** Sending it again attaches to the first one. */
  readonly repeatable: boolean;
  /** Nobody but this client knows its ids. */
  readonly ownIds: boolean;
  readonly timeoutMs: number | undefined;
}

/** @throws ToolgateError INVALID_REQUEST, PAYLOAD_TOO_LARGE for what no node would take. */
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
  return {
    spec,
    bytes: payloadJson.length + 256,
    repeatable: options.onDisconnect !== "cancel",
    ownIds: options.toolCallId === undefined,
    timeoutMs,
  };
}

/** The same call with what is left of its time; the one part that a repeat may differ in. */
export function withTimeLeft(call: PreparedCall, leftMs: number | undefined): CallSpec {
  // With no time left it can still be attached to, and then it ends at once, one way or the other.
  return leftMs === undefined ? call.spec : { ...call.spec, timeoutMs: Math.max(1, Math.ceil(leftMs)) };
}

function encodePayload(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return checked(payload);
  const encoded = encodeJson(payload === undefined ? {} : payload);
  if (encoded.kind === "refused") throw invalidField("payload", `must be JSON: ${encoded.why}`);
  return checked(encoded.bytes);
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= MAX_PAYLOAD_BYTES) return bytes;
  const message = `The payload has ${bytes.length} bytes; no registry takes more than ${MAX_PAYLOAD_BYTES}.`;
  throw new ToolgateError("PAYLOAD_TOO_LARGE", message);
}
