import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ERROR_CODES, type ErrorReason } from "../../src/errors/codes.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { loadProtocol } from "../../src/protocol/load.js";
import {
  DETAILS_TRAILER,
  fromServiceError,
  MAX_DETAILS_BYTES,
  MAX_MESSAGE_BYTES,
  toServiceError,
} from "../../src/protocol/status-details.js";

const REASONS = Object.keys(ERROR_CODES) as ErrorReason[]; // the keys are the reasons

function trailer(metadata: Metadata): Buffer {
  const [value] = metadata.get(DETAILS_TRAILER);
  if (!Buffer.isBuffer(value)) throw new Error("no details");
  return value;
}

describe("round trip", () => {
  test.each(REASONS)("%s keeps all that a caller decides by", (reason) => {
    const sent = new ToolgateError(reason, "files/read: no such tool", {
      executed: "unknown",
      retryAfterMs: 1_250,
      violations: [
        { field: "/a/0", description: "must be a number" },
        { field: "tool", description: "must be given" },
      ],
      metadata: { lastPongMs: "123", near: "reed" },
    });
    const wire = toServiceError(sent);
    expect(wire.code).toBe(ERROR_CODES[reason].status);
    const got = fromServiceError(wire);
    expect(got).toMatchObject({
      reason,
      message: sent.message,
      executed: "unknown",
      retryAfterMs: 1_250,
      violations: sent.violations,
      metadata: sent.metadata,
    });
  });

  test.each(["no", "yes", "unknown"] as const)("executed %s", (executed) => {
    expect(fromServiceError(toServiceError(new ToolgateError("INTERNAL", "x", { executed }))).executed).toBe(executed);
  });

  test("a failed precondition is a PreconditionFailure, any other fault a BadRequest", () => {
    const { rpc } = loadProtocol();
    const types = (reason: ErrorReason) =>
      rpc.Status.deserialize(
        trailer(
          toServiceError(new ToolgateError(reason, "x", { violations: [{ field: "f", description: "d" }] })).metadata,
        ),
      ).details.map((detail) => detail.type_url);
    expect(types("CONTRACT_CONFLICT")).toEqual([
      "type.googleapis.com/google.rpc.ErrorInfo",
      "type.googleapis.com/google.rpc.PreconditionFailure",
    ]);
    expect(types("INVALID_PAYLOAD")).toEqual([
      "type.googleapis.com/google.rpc.ErrorInfo",
      "type.googleapis.com/google.rpc.BadRequest",
    ]);
  });
});

describe("bounds", () => {
  const long = "ä€😀".repeat(20_000);

  test.each(REASONS)("%s with everything too long stays within the limits", (reason) => {
    const violations = Array.from({ length: 20 }, (_, i) => ({ field: `/${i}${long}`, description: long }));
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key${i}`, long]));
    const wire = toServiceError(new ToolgateError(reason, long, { violations, metadata, retryAfterMs: 2 ** 40 }));
    expect(Buffer.byteLength(wire.details)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(trailer(wire.metadata).length).toBeLessThanOrEqual(MAX_DETAILS_BYTES);
    const got = fromServiceError(wire);
    expect(got.reason).toBe(reason);
    expect(got.violations).toHaveLength(8);
    for (const { field, description } of got.violations) {
      expect(Buffer.byteLength(field)).toBeGreaterThan(60);
      expect(Buffer.byteLength(description)).toBeGreaterThan(60);
    }
    expect(got.message).not.toContain("�");
  });

  test("a few long metadata values are cut, not dropped", () => {
    const got = fromServiceError(toServiceError(new ToolgateError("UNKNOWN_TOOL", "x", { metadata: { near: long } })));
    expect(Buffer.byteLength(got.metadata.near ?? "")).toBeGreaterThan(200);
  });

  test("a lone surrogate can be sent: grpc-js would throw on it", () => {
    const wire = toServiceError(new ToolgateError("INTERNAL", "bad \ud800 text"));
    expect(() => encodeURI(wire.details)).not.toThrow();
    expect(fromServiceError(wire).message).toBe("bad \ufffd text");
  });
});

describe("what is no ToolgateError", () => {
  test.each([new Error("password=hunter2"), "password=hunter2", { code: 3, details: "password=hunter2" }, undefined])(
    "%s does not leak",
    (error) => {
      const wire = toServiceError(error, "c0ffee");
      expect(wire.code).toBe(status.INTERNAL);
      expect(wire.details).toContain("c0ffee");
      expect(`${wire.details}${trailer(wire.metadata).toString("latin1")}`).not.toContain("hunter2");
      expect(fromServiceError(wire)).toMatchObject({ reason: "INTERNAL", executed: "unknown" });
    },
  );
});

describe("a status that no node made", () => {
  test.each([
    [status.UNAVAILABLE, "Connection dropped", "NODE_UNREACHABLE", "unknown"],
    [status.UNAVAILABLE, "No connection established. Last error: connect ECONNREFUSED", "NODE_UNREACHABLE", "no"],
    [status.UNAVAILABLE, "Name resolution failed for target dns:nowhere", "NODE_UNREACHABLE", "no"],
    [status.DEADLINE_EXCEEDED, "Deadline exceeded after 1s", "DEADLINE_EXCEEDED", "unknown"],
    [status.CANCELLED, "Cancelled on client", "CANCELLED", "unknown"],
    [status.UNIMPLEMENTED, "The server does not implement the method /a/b", "UNSUPPORTED", "no"],
    [status.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs 8)", "MESSAGE_TOO_LARGE", "unknown"],
    [status.RESOURCE_EXHAUSTED, "Attempted to send message with a size larger than 8", "MESSAGE_TOO_LARGE", "no"],
    [status.RESOURCE_EXHAUSTED, "Bandwidth exhausted or memory limit exceeded", "LIMIT_EXCEEDED", "unknown"],
    [status.INVALID_ARGUMENT, "bad", "INVALID_REQUEST", "no"],
    [status.PERMISSION_DENIED, "some proxy", "INTERNAL", "unknown"],
    [status.UNKNOWN, "", "INTERNAL", "unknown"],
  ] as const)("%s %s is %s, executed %s", (code, details, reason, executed) => {
    const error = { code, details, metadata: new Metadata() };
    expect(fromServiceError(error)).toMatchObject({ reason, executed });
    const cause = { code, message: `${code} ${status[code]}: ${details}` };
    expect(fromServiceError(error).cause).toEqual(cause); // and no metadata, which fills a screen
    expect(fromServiceError(error).message).not.toBe("");
    expect(fromServiceError({ code, details })).toMatchObject({ reason, executed });
  });

  test("a trailer that is not ours is passed over", () => {
    const metadata = new Metadata();
    metadata.set(DETAILS_TRAILER, Buffer.from("not a status at all"));
    expect(fromServiceError({ code: status.UNAVAILABLE, details: "x", metadata }).reason).toBe("NODE_UNREACHABLE");
  });

  test("a reason of a later version keeps its status, its advice and its name", () => {
    const { rpc } = loadProtocol();
    const value = rpc.ErrorInfo.serialize({ reason: "QUOTA_SPENT", domain: "toolgate", metadata: { executed: "no" } });
    const metadata = new Metadata();
    metadata.set(
      DETAILS_TRAILER,
      rpc.Status.serialize({ code: 8, details: [{ type_url: "type.googleapis.com/google.rpc.ErrorInfo", value }] }),
    );
    expect(fromServiceError({ code: status.RESOURCE_EXHAUSTED, details: "spent", metadata })).toMatchObject({
      reason: "LIMIT_EXCEEDED",
      executed: "no",
      metadata: { reason: "QUOTA_SPENT" },
    });
  });
});
