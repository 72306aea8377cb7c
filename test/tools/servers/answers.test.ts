import { describe, expect, test } from "vitest";
import { rawJson, ToolCallError, ToolgateError } from "../../../src/index.js";
import type { FailedTerminal } from "../../../src/sdk/terminal.js";
import { type Answer, directAnswer, gatewayFailure, isSame } from "../../../tools/servers/answers.js";

const result = (body: string): Answer => ({ kind: "result", body });

const failed = (more: Partial<FailedTerminal>): ToolCallError =>
  new ToolCallError({
    callId: "c",
    kind: "tool_error",
    executed: "yes",
    attempt: 1,
    endedAt: new Date(0),
    reason: "TOOL_ERROR",
    message: "no",
    ...more,
  } as FailedTerminal); // a terminal as far as these tests look at one

describe("whether both ways gave the same", () => {
  test("results are compared as they are written", () => {
    expect(isSame(result('{"n":10.00}'), result('{"n":10.00}'), [])).toBe(true);
    expect(isSame(result('{"n":10.00}'), result('{"n":10}'), [])).toBe(false);
    expect(isSame(result('{"n":9007199254740993}'), result('{"n":9007199254740992}'), [])).toBe(false);
  });

  test("what varies from run to run does not count, and nothing else", () => {
    expect(isSame(result('{"at":"12:00","n":1}'), result('{"at":"12:01","n":1}'), [/\d\d:\d\d/])).toBe(true);
    expect(isSame(result('{"at":"12:00","n":1}'), result('{"at":"12:01","n":2}'), [/\d\d:\d\d/])).toBe(false);
  });

  test("an answer of another kind is another answer, and one that is not understood equals none", () => {
    const other: Answer = { kind: "other", body: "lost" };
    expect(isSame(result("{}"), { kind: "tool_error", body: {} }, [])).toBe(false);
    expect(isSame(other, other, [])).toBe(false);
  });
});

describe("what an answer means", () => {
  test("isError is a failure without that member; false is a part of the result", () => {
    const content = [{ type: "text", text: "x" }];
    expect(directAnswer({ kind: "result", result: { content, isError: true }, text: "" })).toEqual({
      kind: "tool_error",
      body: { content },
    });
    const text = '{"content":[],"isError":false}';
    expect(directAnswer({ kind: "result", result: JSON.parse(text), text })).toEqual({ kind: "result", body: text });
  });

  test("a gateway's failures are told apart: the tool's, the server's, the gateway's own", () => {
    const details = { content: [] };
    expect(gatewayFailure(failed({ details }))).toEqual({ kind: "tool_error", body: details });
    expect(gatewayFailure(failed({ details: rawJson('{"content": []}') }))).toEqual({
      kind: "tool_error",
      body: details,
    });
    expect(gatewayFailure(failed({ reason: "MCP_ERROR", details: { code: -32_602 } }))).toEqual({
      kind: "rpc_error",
      body: { code: -32_602, message: "no" },
    });
    expect(gatewayFailure(new ToolgateError("INVALID_PAYLOAD", "bad")).kind).toBe("refused");
    expect(gatewayFailure(failed({ kind: "outcome_unknown", reason: "PROVIDER_LOST" })).kind).toBe("other");
  });
});
