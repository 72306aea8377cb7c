import { describe, expect, test } from "vitest";
import { parseCallSpec, requestDigest } from "../../src/gateway/call-spec.js";
import type { CallMeta__Output } from "../../src/protocol/generated/toolgate/v1/CallMeta.js";
import type { CallSpec__Output } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";

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
  ...more,
});
const parse = (more: Partial<CallSpec__Output> = {}, trace = {}) => parseCallSpec(wire(more), trace);
const withMeta = (meta: Partial<CallMeta__Output>, trace = {}) => parse({ meta: { ...META, ...meta } }, trace);
const refused = (field: string) =>
  expect.objectContaining({ reason: "INVALID_REQUEST", violations: [expect.objectContaining({ field })] });

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a call", () => {
  test("that is missing is refused", () => {
    expect(() => parseCallSpec(null, {})).toThrow(refused("call"));
  });

  test("that says little has the defaults: an empty payload, fail fast, no ids", () => {
    expect(parse()).toEqual({
      toolset: "math",
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
    expect(parse({ payloadJson }).payload).toBe(payloadJson);
  });

  test("with a bad name or digest is refused", () => {
    expect(() => parse({ toolset: "Math" })).toThrow(refused("call.toolset"));
    expect(() => parse({ toolset: "" })).toThrow(refused("call.toolset"));
    expect(() => parse({ tool: "-" })).toThrow(refused("call.tool"));
    expect(() => parse({ expectDigest: "abc" })).toThrow(refused("call.expect_digest"));
    expect(parse({ expectDigest: "a".repeat(64) }).expectDigest).toBe("a".repeat(64));
  });

  test("waits only when it says so", () => {
    expect(parse({ wait: "WAIT_POLICY_WAIT" }).wait).toBe(true);
    expect(parse({ wait: "WAIT_POLICY_FAIL_FAST" }).wait).toBe(false);
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
    expect(parse({ meta, onDisconnect: "ON_DISCONNECT_CANCEL" }).continueOnDisconnect).toBe(false);
    expect(parse({ onDisconnect: "ON_DISCONNECT_CONTINUE" }).continueOnDisconnect).toBe(true);
  });
});

describe("meta", () => {
  const ids = {
    runId: "call.meta.run_id",
    sessionId: "call.meta.session_id",
    turnId: "call.meta.turn_id",
    toolCallId: "call.meta.tool_call_id",
    parentToolCallId: "call.meta.parent_tool_call_id",
  };
  test.each(Object.entries(ids))("%s has at most 256 characters and no control characters", (key, field) => {
    for (const good of ["x", "x".repeat(256), "ä 大 🙂 {}:/"])
      expect(withMeta({ [key]: good }).meta).toEqual({ [key]: good });
    for (const bad of ["x".repeat(257), "a\nb", "\0", "\u007f", "\u0085", "\u001b[0m"]) {
      expect(() => withMeta({ [key]: bad }), JSON.stringify(bad)).toThrow(refused(field));
    }
  });

  test("that is empty was not said", () => {
    expect(withMeta({ runId: "", turnId: "t" }).meta).toEqual({ turnId: "t" });
  });
});

describe("trace context", () => {
  test("comes from the request's metadata unless the call has its own", () => {
    const other = TRACEPARENT.replace("-01", "-00");
    expect(parse({}, { traceparent: TRACEPARENT, tracestate: "a=1" }).meta).toEqual({
      traceparent: TRACEPARENT,
      tracestate: "a=1",
    });
    expect(withMeta({ traceparent: other }, { traceparent: TRACEPARENT }).meta).toEqual({ traceparent: other });
  });

  test("that is broken is left out: the call matters more", () => {
    for (const broken of ["", "x", "00-short-b7ad6b7169203331-01", TRACEPARENT.toUpperCase()]) {
      expect(withMeta({ traceparent: broken, tracestate: "a=1" }).meta).toEqual({});
      expect(parse({}, { traceparent: broken, tracestate: "a=1" }).meta).toEqual({});
    }
  });

  test("state may have 512 characters", () => {
    const long = "x".repeat(512);
    expect(withMeta({ traceparent: TRACEPARENT, tracestate: long }).meta.tracestate).toBe(long);
    expect(() => withMeta({ traceparent: TRACEPARENT, tracestate: `${long}x` })).toThrow(
      refused("call.meta.tracestate"),
    );
  });
});

describe("the request's digest", () => {
  const repeatable = (more: Partial<CallSpec__Output> = {}, meta: Partial<CallMeta__Output> = {}) =>
    parse({ meta: { ...META, runId: "r", toolCallId: "c", ...meta }, ...more });

  test("is the same for the same toolset, tool and payload, whatever else differs", () => {
    const one = requestDigest(repeatable());
    expect(one).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(requestDigest(repeatable({}, { turnId: "t" }))).toBe(one);
    const more = { timeoutMs: 5, wait: "WAIT_POLICY_WAIT", expectDigest: "a".repeat(64) } as const;
    expect(requestDigest(repeatable(more))).toBe(one);
  });

  test("differs with the toolset, the tool and each byte of the payload", () => {
    const digests = [
      repeatable(),
      repeatable({ toolset: "maths" }),
      repeatable({ tool: "sums" }),
      repeatable({ payloadJson: Buffer.from("{ }") }),
      repeatable({ payloadJson: Buffer.from('{"a":1}') }),
      repeatable({ payloadJson: Buffer.from('{"a":1.0}') }),
    ].map(requestDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("is not taken of a call that cannot be asked for again", () => {
    expect(requestDigest(parse())).toBe("-");
    expect(requestDigest(withMeta({ runId: "r" }))).toBe("-");
  });
});
