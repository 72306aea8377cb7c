import { expect, test } from "vitest";
import { readAnswer } from "../../../src/front/services/read-answer.js";

const WIRE = { callId: "0.x", attempt: 1, lostNodes: 0 };
const json = Buffer.from('{"a" : 1}');

test("a result keeps its bytes as they are, and how many nodes were lost with it", () => {
  const answer = readAnswer({ ...WIRE, lostNodes: 2, outcome: "resultJson", resultJson: json });
  expect(answer).toEqual({ kind: "result", json, lostNodes: 2 });
  expect(answer.kind === "result" && answer.json).toBe(json);
});

test("a failure has its word, message and details", () => {
  const error = { reason: "NO_FUNDS", message: "none left", detailsJson: json, outcomeUnknown: false };
  expect(readAnswer({ ...WIRE, outcome: "error", error })).toEqual({
    kind: "error",
    reason: "NO_FUNDS",
    message: "none left",
    details: json,
    outcomeUnknown: false,
  });
  expect(readAnswer({ ...WIRE, outcome: "error", error: { ...error, outcomeUnknown: true } })).toMatchObject({
    outcomeUnknown: true,
  });
});

test("a cancellation is one, and what says neither is none", () => {
  expect(readAnswer({ ...WIRE, outcome: "cancelled", cancelled: {} })).toEqual({ kind: "cancelled" });
  expect(readAnswer(WIRE)).toEqual({ kind: "none" });
});
