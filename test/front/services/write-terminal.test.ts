import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../../src/errors/codes.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { writeRejection, writeTerminal } from "../../../src/front/services/write-terminal.js";
import { parseCallId } from "../../../src/identity/call-id.js";
import type { Ending, EndKind } from "../../../src/store/calls/call-record.js";

const ID = parseCallId("0.AAAAAAAAAAAAAAAAAAAAAA");
const ending = (kind: EndKind, reason: string, body: string | object = ""): Ending => ({
  kind,
  reason,
  attempt: 2,
  endedAtMs: 1_764_000_000_000,
  unchecked: false,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const wire = (...args: Parameters<typeof ending>) => writeTerminal(ID, ending(...args));

describe("a terminal", () => {
  test("of a result has its bytes, and no error", () => {
    expect(wire("result", "", '{"a" : 1}')).toEqual({
      callId: ID,
      kind: "TERMINAL_KIND_RESULT",
      resultJson: Buffer.from('{"a" : 1}'),
      error: null,
      executed: "EXECUTED_YES",
      attempt: 2,
      endedAtMs: 1_764_000_000_000,
    });
  });

  test("of a result that was not checked says so, and no other one says anything of it", () => {
    expect(writeTerminal(ID, { ...ending("result", ""), unchecked: true })).toHaveProperty("unchecked", true);
    expect(writeTerminal(ID, ending("result", "")).unchecked).toBeUndefined();
  });

  test.each([
    "",
    '"text"',
    "no json",
    "7",
    '{"violations":{}}',
    '{"message":7,"origin":"moon","violations":[7,{"field":1}]}',
  ])("of a kind or with a body (%s) that only later versions write has its words, and an unknown outcome", (body) => {
    const unknown = wire("unknown", "TOO_EARLY", body);
    expect(unknown).toMatchObject({ kind: "TERMINAL_KIND_UNSPECIFIED", executed: "EXECUTED_UNKNOWN" });
    expect(unknown.error).toMatchObject({ reason: "TOO_EARLY", origin: "ERROR_ORIGIN_GATEWAY", violations: [] });
    expect(wire("tool_error", "TOOL_ERROR", body).error).toMatchObject({ reason: "TOOL_ERROR", violations: [] });
  });

  test.each([
    ["tool_error", "TOOL_ERROR", "TERMINAL_KIND_TOOL_ERROR", "EXECUTED_YES", status.ABORTED],
    ["tool_error", "INVALID_RESULT", "TERMINAL_KIND_TOOL_ERROR", "EXECUTED_YES", status.INTERNAL],
    ["tool_error", "OUTPUT_TOO_LARGE", "TERMINAL_KIND_TOOL_ERROR", "EXECUTED_YES", status.RESOURCE_EXHAUSTED],
    ["not_executed", "DEADLINE_EXCEEDED", "TERMINAL_KIND_NOT_EXECUTED", "EXECUTED_NO", status.DEADLINE_EXCEEDED],
    ["not_executed", "CANCELLED", "TERMINAL_KIND_NOT_EXECUTED", "EXECUTED_NO", status.CANCELLED],
    ["not_executed", "EPOCH_GONE", "TERMINAL_KIND_NOT_EXECUTED", "EXECUTED_NO", status.UNAVAILABLE],
    ["cancelled", "CANCELLED", "TERMINAL_KIND_CANCELLED", "EXECUTED_UNKNOWN", status.CANCELLED],
    ["outcome_unknown", "PROVIDER_LOST", "TERMINAL_KIND_OUTCOME_UNKNOWN", "EXECUTED_UNKNOWN", status.UNKNOWN],
    ["outcome_unknown", "STATE_LOST", "TERMINAL_KIND_OUTCOME_UNKNOWN", "EXECUTED_UNKNOWN", status.UNKNOWN],
    [
      "attempts_exhausted",
      "ATTEMPTS_EXHAUSTED",
      "TERMINAL_KIND_ATTEMPTS_EXHAUSTED",
      "EXECUTED_UNKNOWN",
      status.UNAVAILABLE,
    ],
  ] as const)(
    "of %s (%s) says whether the tool ran, and what a unary call would carry",
    (kind, reason, wireKind, executed, code) => {
      const { meaning, remedy } = ERROR_CODES[reason];
      expect(wire(kind, reason)).toMatchObject({
        kind: wireKind,
        executed,
        resultJson: Buffer.alloc(0),
        error: {
          reason,
          grpcCode: code,
          message: `${meaning} ${remedy}`,
          detailsJson: Buffer.alloc(0),
          violations: [],
        },
      });
    },
  );

  test("of a tool's own failure has its word, message and details", () => {
    const body = {
      message: "it is empty",
      details: { at: [1, null] },
      violations: [{ field: "/a", description: "b" }],
    };
    expect(wire("tool_error", "NO_SUCH_FILE", { ...body, origin: "tool" }).error).toEqual({
      origin: "ERROR_ORIGIN_TOOL",
      reason: "NO_SUCH_FILE",
      message: "it is empty",
      detailsJson: Buffer.from('{"at":[1,null]}'),
      grpcCode: status.ABORTED,
      violations: [{ field: "/a", description: "b" }],
    });
  });

  test("of a tool that uses a word of the gateway's keeps the two apart", () => {
    const { remedy } = ERROR_CODES.INVALID_PAYLOAD;
    const own = wire("tool_error", "INVALID_PAYLOAD", { message: "", origin: "tool" });
    expect(own).toMatchObject({
      executed: "EXECUTED_YES",
      error: { reason: "INVALID_PAYLOAD", origin: "ERROR_ORIGIN_TOOL", grpcCode: status.ABORTED },
    });
    expect(own.error?.message).not.toContain(remedy);
    const verdict = wire("tool_error", "INVALID_RESULT", { message: "x", origin: "gateway" });
    expect(verdict.error).toMatchObject({ origin: "ERROR_ORIGIN_GATEWAY", grpcCode: status.INTERNAL });
    for (const kind of ["not_executed", "cancelled", "outcome_unknown", "attempts_exhausted"] as const)
      expect(wire(kind, "CANCELLED").error?.origin).toBe("ERROR_ORIGIN_GATEWAY");
    // Nothing but the output's limit ends a call as a tool's error without a body.
    expect(wire("tool_error", "OUTPUT_TOO_LARGE").error?.origin).toBe("ERROR_ORIGIN_GATEWAY");
    // Written by a node that did not say it.
    expect(wire("tool_error", "NO_FUNDS", { message: "" }).error?.origin).toBeUndefined();
  });

  test("tells details that are null or false from none", () => {
    expect(wire("tool_error", "X", { message: "", details: null }).error?.detailsJson).toEqual(Buffer.from("null"));
    expect(wire("tool_error", "X", { message: "", details: false }).error?.detailsJson).toEqual(Buffer.from("false"));
    expect(wire("tool_error", "X", { message: "" }).error?.detailsJson).toEqual(Buffer.alloc(0));
  });

  test("is not confused by a tool's word that is a property of every object", () => {
    expect(wire("tool_error", "CONSTRUCTOR", { message: "m" }).error).toMatchObject({ grpcCode: status.ABORTED });
    expect(wire("tool_error", "toString", { message: "m" }).error).toMatchObject({ grpcCode: status.ABORTED });
  });
});

test("a rejection carries what the gRPC error would", () => {
  const violations = [{ field: "/a", description: "must be a number" }];
  const error = new ToolgateError("BACKLOG_FULL", "full", { retryAfterMs: 500, violations, metadata: { limit: "8" } });
  expect(writeRejection(error)).toEqual({
    callId: "",
    kind: "TERMINAL_KIND_REJECTED",
    error: {
      reason: "BACKLOG_FULL",
      origin: "ERROR_ORIGIN_GATEWAY",
      message: "full",
      grpcCode: status.RESOURCE_EXHAUSTED,
      retryAfterMs: 500,
      violations,
      metadata: [{ name: "limit", value: "8" }],
    },
    executed: "EXECUTED_NO",
  });
  const unknown = new ToolgateError("STORE_UNAVAILABLE", "away", { executed: "unknown" });
  expect(writeRejection(unknown)).toMatchObject({ executed: "EXECUTED_UNKNOWN", error: { retryAfterMs: 0 } });
});
