import { afterEach, expect, test, vi } from "vitest";
import type { CallOutbox } from "../../src/calls/call-outbox.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { CallId } from "../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../src/log/logger.js";
import { CallReports } from "../../src/providers/call-reports.js";
import type { CallInHand, ProviderSession } from "../../src/providers/provider-session.js";
import type { ProviderSessions } from "../../src/providers/provider-sessions.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Hands in one result to a Redis that refuses it with the same error each time; how often, and what its provider was told. */
function handIn(error: ToolgateError) {
  vi.useFakeTimers();
  const seen = { tries: 0, settled: [] as boolean[] };
  const reports = new CallReports({
    sessions: {
      pump: () => {},
      settled: (_session: unknown, _call: unknown, accepted: boolean) => void seen.settled.push(accepted),
    } as unknown as ProviderSessions, // all that it uses
    outboxOf: () =>
      ({
        complete: async () => {
          seen.tries++;
          throw error;
        },
      }) as unknown as CallOutbox, // all that it uses
    log: SILENT_LOGGER,
  });
  const state = { kind: "ready" };
  const session = { state, settling: () => {}, lease: {}, owner: "p/i" } as unknown as ProviderSession; // all that it uses
  const call = { id: "0.x" as CallId, attempt: 1, stage: "running" } as CallInHand;
  void reports.complete(session, call, { kind: "result", reason: "", body: Buffer.from("1") });
  return { seen, close: () => Object.assign(state, { kind: "closed" }) };
}

test("a result that Redis cannot take is given up after a while, and its provider told", async () => {
  const { seen } = handIn(new ToolgateError("INTERNAL", "a broken key"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen).toEqual({ tries: 25, settled: [false] });
});

test("a result is kept for as long as Redis is away", async () => {
  const { seen, close } = handIn(new ToolgateError("STORE_UNAVAILABLE", "away"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.tries).toBeGreaterThan(250);
  expect(seen.settled).toEqual([]);
  close();
  await vi.advanceTimersByTimeAsync(1_000);
});
