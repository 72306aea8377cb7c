import { describe, expect, test } from "vitest";
import { type CallMeta, parseMeta, readStoredMeta, storedMeta } from "../../src/gateway/call-meta.js";

const refused = (field: string) =>
  expect.objectContaining({ reason: "INVALID_REQUEST", violations: [expect.objectContaining({ field })] });
const parse = (said: CallMeta | null, trace = {}) => parseMeta(said, trace);

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("meta", () => {
  const ids = {
    runId: "call.meta.run_id",
    sessionId: "call.meta.session_id",
    turnId: "call.meta.turn_id",
    toolCallId: "call.meta.tool_call_id",
    parentToolCallId: "call.meta.parent_tool_call_id",
  };
  test.each(Object.entries(ids))("%s has at most 256 characters and no control characters", (key, field) => {
    for (const good of ["x", "x".repeat(256), "ä 大 🙂 {}:/"]) expect(parse({ [key]: good })).toEqual({ [key]: good });
    for (const bad of ["x".repeat(257), "a\nb", "\0", "\u007f", "\u0085", "\u001b[0m"]) {
      expect(() => parse({ [key]: bad }), JSON.stringify(bad)).toThrow(refused(field));
    }
  });

  test("that is empty was not said", () => {
    expect(parse({ runId: "", turnId: "t" })).toEqual({ turnId: "t" });
  });
});

describe("trace context", () => {
  test("comes from the request's metadata unless the call has its own", () => {
    const other = TRACEPARENT.replace("-01", "-00");
    expect(parse(null, { traceparent: TRACEPARENT, tracestate: "a=1" })).toEqual({
      traceparent: TRACEPARENT,
      tracestate: "a=1",
    });
    expect(parse({ traceparent: other }, { traceparent: TRACEPARENT })).toEqual({ traceparent: other });
  });

  test("that is broken is left out: the call matters more", () => {
    for (const broken of ["", "x", "00-short-b7ad6b7169203331-01", TRACEPARENT.toUpperCase()]) {
      expect(parse({ traceparent: broken, tracestate: "a=1" })).toEqual({});
      expect(parse(null, { traceparent: broken, tracestate: "a=1" })).toEqual({});
    }
  });

  test("state may have 512 characters", () => {
    const long = "x".repeat(512);
    expect(parse({ traceparent: TRACEPARENT, tracestate: long }).tracestate).toBe(long);
    expect(() => parse({ traceparent: TRACEPARENT, tracestate: `${long}x` })).toThrow(refused("call.meta.tracestate"));
  });
});

test("is stored as text, and read again", () => {
  for (const meta of [{}, { runId: "r", toolCallId: "c" }]) expect(readStoredMeta(storedMeta(meta))).toEqual(meta);
  expect(storedMeta({})).toBe("");
});
