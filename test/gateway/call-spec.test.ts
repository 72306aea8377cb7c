import { describe, expect, test } from "vitest";
import { type CallSpec, requestDigest } from "../../src/gateway/call-spec.js";
import { parseToolName, parseToolsetName } from "../../src/identity/names.js";

const SPEC: CallSpec = {
  toolset: parseToolsetName("math", "toolset"),
  shown: "math",
  tool: parseToolName("sum", "tool"),
  payload: Buffer.from("{}"),
  meta: { runId: "r", toolCallId: "c" },
  repeatable: true,
  expectDigest: undefined,
  wait: false,
  continueOnDisconnect: true,
  timeoutMs: 0,
  lostNodes: 0,
};

describe("the request's digest", () => {
  test("is the same for the same toolset, tool and payload, whatever else differs", () => {
    const one = requestDigest(SPEC);
    expect(one).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(requestDigest({ ...SPEC, meta: { ...SPEC.meta, turnId: "t" } })).toBe(one);
    const expectDigest = "a".repeat(64) as CallSpec["expectDigest"]; // as one is read
    expect(requestDigest({ ...SPEC, timeoutMs: 5, wait: true, expectDigest })).toBe(one);
  });

  test("differs with the toolset, the tool and each byte of the payload", () => {
    const others: Partial<CallSpec>[] = [
      {},
      { toolset: parseToolsetName("maths", "toolset") },
      { tool: parseToolName("sums", "tool") },
      { payload: Buffer.from("{ }") },
      { payload: Buffer.from('{"a":1}') },
      { payload: Buffer.from('{"a":1.0}') },
    ];
    const digests = others.map((other) => requestDigest({ ...SPEC, ...other }));
    expect(new Set(digests).size).toBe(others.length);
  });

  test("is not taken of a call that cannot be asked for again", () => {
    expect(requestDigest({ ...SPEC, repeatable: false })).toBe("-");
  });
});
