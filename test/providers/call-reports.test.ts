import { afterEach, expect, test, vi } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { AttachChannel } from "../../src/front/services/attach-channel.js";
import type { CallId } from "../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { CallReports } from "../../src/providers/call-reports.js";
import type { ProviderEnd } from "../../src/providers/check-result.js";
import { type CallInHand, ProviderSession } from "../../src/providers/provider-session.js";
import type { ProviderSessions } from "../../src/providers/provider-sessions.js";
import type { CallOutbox } from "../../src/store/calls/call-outbox.js";
import type { Taker } from "../../src/store/calls/take.js";
import type { Lease } from "../../src/store/registry/leases.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";

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
    faults: SILENT_FAULTS,
  });
  const state = { kind: "ready" };
  const session = { state, settling: () => {}, lease: {}, owner: "p/i" } as unknown as ProviderSession; // all that it uses
  const call = { id: "0.x" as CallId, attempt: 1, stage: "running", meta: "" } as CallInHand;
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

test("nothing more is read from a provider that does not heed a pause, until what came is in Redis", async () => {
  const kept: (() => void)[] = [];
  const held = <Answer>(answer: Answer) => new Promise<Answer>((resolve) => kept.push(() => resolve(answer)));
  const reports = new CallReports({
    sessions: { pump: () => {}, settled: () => {} } as unknown as ProviderSessions, // all that it uses
    outboxOf: () => ({ append: () => held("kept"), complete: () => held("accepted") }) as unknown as CallOutbox, // all that it uses
    log: SILENT_LOGGER,
    faults: SILENT_FAULTS,
  });
  const read: string[] = [];
  const stream = {
    send: () => true,
    drained: async () => {},
    holds: () => {},
    pause: () => void read.push("pause"),
    resume: () => void read.push("resume"),
  };
  const session = new ProviderSession({
    lease: {} as Lease,
    taker: {} as Taker,
    maxInFlight: 10,
    open: (events) => new AttachChannel({ stream, maxMessageBytes: 4_194_304, limits: {}, end: () => {} }, events),
    monotonicMs: () => 0,
    onUndeliverable: () => {},
    onRoom: () => {},
  });
  const call = { id: "0.x" as CallId, attempt: 1, stage: "running", meta: "" } as CallInHand;
  const piece = Buffer.alloc(4 * 1_048_576);
  for (let i = 0; i < 4; i++) reports.append(session, call, piece);
  expect(read).toEqual([]);
  const answer: ProviderEnd = { kind: "result", reason: "", body: piece };
  void reports.answer(session, { ...call, output: undefined }, piece.length, () => answer);
  expect(read).toEqual(["pause"]);
  await vi.waitFor(() => expect(kept).toHaveLength(5));
  for (const keep of kept) keep();
  await vi.waitFor(() => expect(read).toEqual(["pause", "resume"]));
});
