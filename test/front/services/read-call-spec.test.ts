import { describe, expect, test } from "vitest";
import { readCallSpec } from "../../../src/front/services/read-call-spec.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import type { CallMeta__Output } from "../../../src/protocol/generated/toolgate/v1/CallMeta.js";
import type { CallSpec__Output } from "../../../src/protocol/generated/toolgate/v1/CallSpec.js";

const META: CallMeta__Output = {
  runId: "",
  sessionId: "",
  turnId: "",
  toolCallId: "",
  parentToolCallId: "",
  traceparent: "",
  tracestate: "",
};
const wire = (more: Partial<CallSpec__Output> = {}): CallSpec__Output => ({
  toolset: "math",
  tool: "sum",
  payloadJson: Buffer.alloc(0),
  meta: null,
  expectDigest: "",
  wait: "WAIT_POLICY_UNSPECIFIED",
  onDisconnect: "ON_DISCONNECT_UNSPECIFIED",
  timeoutMs: 0,
  lostNodes: 0,
  webhook: "",
  ...more,
});
const read = (more: Partial<CallSpec__Output> = {}) => readCallSpec(wire(more), {}, DEFAULT_TENANT);
const withMeta = (meta: Partial<CallMeta__Output>) => read({ meta: { ...META, ...meta } });
const refused = (field: string) =>
  expect.objectContaining({ reason: "INVALID_REQUEST", violations: [expect.objectContaining({ field })] });

describe("a call", () => {
  test("that is missing is refused", () => {
    expect(() => readCallSpec(null, {}, DEFAULT_TENANT)).toThrow(refused("call"));
  });

  test("that says little has the defaults: an empty payload, fail fast, no ids", () => {
    expect(read()).toEqual({
      toolset: "math",
      shown: "math",
      tool: "sum",
      payload: Buffer.from("{}"),
      meta: {},
      repeatable: false,
      expectDigest: undefined,
      wait: false,
      continueOnDisconnect: false,
      timeoutMs: 0,
      lostNodes: 0,
    });
  });

  test("keeps its payload's bytes as they are", () => {
    const payloadJson = Buffer.from(' {"a" : 1} ');
    expect(read({ payloadJson }).payload).toBe(payloadJson);
  });

  test("with a bad name or digest is refused", () => {
    expect(() => read({ toolset: "Math" })).toThrow(refused("call.toolset"));
    expect(() => read({ toolset: "" })).toThrow(refused("call.toolset"));
    expect(() => read({ tool: "-" })).toThrow(refused("call.tool"));
    expect(() => read({ expectDigest: "abc" })).toThrow(refused("call.expect_digest"));
    expect(read({ expectDigest: "a".repeat(64) }).expectDigest).toBe("a".repeat(64));
  });

  test("waits only when it says so", () => {
    expect(read({ wait: "WAIT_POLICY_WAIT" }).wait).toBe(true);
    expect(read({ wait: "WAIT_POLICY_FAIL_FAST" }).wait).toBe(false);
  });
});

describe("on_disconnect", () => {
  test("unsaid: a call with both ids runs on, any other is cancelled", () => {
    expect(withMeta({ runId: "r", toolCallId: "c" }).continueOnDisconnect).toBe(true);
    expect(withMeta({ runId: "r" }).continueOnDisconnect).toBe(false);
    expect(withMeta({ toolCallId: "c" }).continueOnDisconnect).toBe(false);
    expect(withMeta({ sessionId: "s", turnId: "t" }).continueOnDisconnect).toBe(false);
  });

  test("said, overrides that both ways", () => {
    const meta = { ...META, runId: "r", toolCallId: "c" };
    expect(read({ meta, onDisconnect: "ON_DISCONNECT_CANCEL" }).continueOnDisconnect).toBe(false);
    expect(read({ onDisconnect: "ON_DISCONNECT_CONTINUE" }).continueOnDisconnect).toBe(true);
  });
});
