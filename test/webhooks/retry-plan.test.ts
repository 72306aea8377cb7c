import { expect, test } from "vitest";
import { type AttemptOutcome, planRetry } from "../../src/webhooks/retry-plan.js";

const HOUR_MS = 3_600_000;
const SETTINGS = { backoffMs: 5_000, retryMs: 24 * HOUR_MS };
const answered = (status: number, retryAfterMs?: number): AttemptOutcome => ({
  kind: "answered",
  status,
  retryAfterMs,
});
const REFUSED: AttemptOutcome = { kind: "unanswered", why: "REFUSED" };
/** Neither longer nor shorter by chance. */
const EVEN = 0.5;

test.each([200, 201, 202, 204, 299])("a %i is all that was asked for", (status) => {
  expect(planRetry(answered(status), 1, 0, SETTINGS, EVEN)).toEqual({ kind: "done" });
});

test("a 410 gives up at once, whatever time is left", () => {
  expect(planRetry(answered(410), 1, 0, SETTINGS, EVEN)).toEqual({ kind: "failed", why: "STATUS_410" });
});

test.each([answered(302), answered(400), answered(404), answered(429), answered(500), REFUSED])(
  "%j is tried again, after pauses that grow to an hour",
  (outcome) => {
    const pauses = [1, 2, 3, 4, 9, 1_000].map((attempt) => planRetry(outcome, attempt, 0, SETTINGS, EVEN));
    const why = outcome.kind === "answered" ? `STATUS_${outcome.status}` : outcome.why;
    expect(pauses).toEqual(
      [5_000, 15_000, 45_000, 135_000, HOUR_MS, HOUR_MS].map((delayMs) => ({ kind: "retry", why, delayMs })),
    );
  },
);

test("pauses differ by a fifth at most, by chance", () => {
  const pause = (random: number) => planRetry(REFUSED, 1, 0, SETTINGS, random);
  expect([pause(0), pause(1)]).toMatchObject([{ delayMs: 4_000 }, { delayMs: 6_000 }]);
});

test("a receiver's own pause counts where it is the longer one, up to an hour", () => {
  const pause = (ms: number) => planRetry(answered(503, ms), 1, 0, SETTINGS, EVEN);
  expect([pause(1_000), pause(60_000), pause(1e9)]).toMatchObject([
    { delayMs: 5_000 },
    { delayMs: 60_000 },
    { delayMs: HOUR_MS },
  ]);
});

test("it is given up where the next attempt would come too late after the call's end", () => {
  const at = (ageMs: number) => planRetry(answered(500), 1, ageMs, SETTINGS, EVEN);
  expect(at(24 * HOUR_MS - 5_000)).toMatchObject({ kind: "retry" });
  expect(at(24 * HOUR_MS - 4_999)).toEqual({ kind: "failed", why: "STATUS_500" });
  expect(planRetry(REFUSED, 1, 0, { ...SETTINGS, retryMs: 0 }, EVEN)).toEqual({ kind: "failed", why: "REFUSED" });
});
