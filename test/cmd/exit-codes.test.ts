import { expect, test } from "vitest";
import { EXIT_CODES, exitOfReason, exitOfTerminal, REASON_EXITS } from "../../cmd/output/exit-codes.js";
import type { CallTerminal, FailedTerminal } from "../../src/index.js";
import { ERROR_CODES } from "../../src/index.js";

test("every reason of the error table has an exit status, and no other has", () => {
  expect(Object.keys(REASON_EXITS).sort()).toEqual(Object.keys(ERROR_CODES).sort());
  for (const reason of Object.keys(ERROR_CODES)) expect(EXIT_CODES[exitOfReason(reason)].code).toBeGreaterThan(0);
  expect(exitOfReason("OF_A_NEWER_NODE")).toBe("internal");
});

test("exit statuses are distinct", () => {
  const codes = Object.values(EXIT_CODES).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

test("a call's ending decides the exit status", () => {
  const ending = { callId: "c", executed: "no", attempt: 0, endedAt: new Date(0) } as const;
  const failed = (kind: FailedTerminal["kind"], reason: string): CallTerminal => ({
    ...ending,
    kind,
    reason,
    origin: kind === "tool_error" ? "tool" : "gateway",
    message: "",
  });
  expect(exitOfTerminal({ ...ending, kind: "result", unchecked: false, result: 1 })).toBe("ok");
  expect(exitOfTerminal(failed("tool_error", "DISK_FULL"))).toBe("toolFailed");
  expect(exitOfTerminal(failed("not_executed", "DEADLINE_EXCEEDED"))).toBe("unknown");
  expect(exitOfTerminal(failed("not_executed", "CANCELLED"))).toBe("cancelled");
  expect(exitOfTerminal(failed("not_executed", "EPOCH_GONE"))).toBe("unavailable");
  expect(exitOfTerminal(failed("cancelled", "CANCELLED"))).toBe("cancelled");
  expect(exitOfTerminal(failed("cancelled", "DEADLINE_EXCEEDED"))).toBe("unknown");
  expect(exitOfTerminal(failed("outcome_unknown", "PROVIDER_LOST"))).toBe("unknown");
  expect(exitOfTerminal(failed("attempts_exhausted", "ATTEMPTS_EXHAUSTED"))).toBe("unknown");
});
