import { expect, test } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { Cancellations } from "../../src/gateway/cancellations.js";
import { parseCallId } from "../../src/identity/call-id.js";
import { callerName } from "../../src/identity/caller-name.js";
import { ANONYMOUS } from "../../src/identity/principal.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";
import { until } from "../support/until.js";

const AWAY = new ToolgateError("STORE_UNAVAILABLE", "Redis is away", { executed: "unknown" });
const idOf = (n: number) => parseCallId(`0.${String(n).padStart(22, "A")}`);

const CALLER = callerName(ANONYMOUS);

/** A Redis that can be away, and cancellations that go there. */
function redisWith({ maxTimeoutMs = 60_000 } = {}) {
  const redis = { fault: AWAY as Error | undefined, asked: [] as string[], cancelled: [] as string[], nowMs: 0 };
  const cancellations = new Cancellations({
    cancel: async (id) => {
      redis.asked.push(id);
      if (redis.fault !== undefined) throw redis.fault;
      redis.cancelled.push(id);
    },
    faults: SILENT_FAULTS,
    monotonicMs: () => redis.nowMs,
    maxTimeoutMs,
  });
  return { redis, cancellations };
}

test("what could not be told is told when Redis is back, once", async () => {
  const { redis, cancellations } = redisWith();
  cancellations.start();
  for (let n = 1; n <= 100; n++) cancellations.cancel(idOf(n), CALLER);
  await until("it was tried again in vain", () => redis.asked.length > 100);
  expect((redis.asked.length - 100) % 64, "while all fail, one batch at a time is tried").toBe(0);
  redis.fault = undefined;
  await until("all are told", () => redis.cancelled.length >= 100);
  await cancellations.stop();
  expect([...redis.cancelled].sort()).toEqual(Array.from({ length: 100 }, (_, n) => idOf(n + 1)).sort());
});

test("what Redis refuses for another reason, and what has ended by itself, is not tried again", async () => {
  const { redis, cancellations } = redisWith({ maxTimeoutMs: 1_000 });
  redis.fault = new Error("a fault of our own");
  cancellations.cancel(idOf(1), CALLER);
  await until("it was asked", () => redis.asked.length === 1);
  redis.fault = AWAY;
  cancellations.cancel(idOf(2), CALLER);
  await until("the other was asked", () => redis.asked.length === 2);
  redis.nowMs = 2_000;
  redis.fault = undefined;
  await cancellations.stop();
  expect(redis.asked).toEqual([idOf(1), idOf(2)]);
});

test("a node that stops tells what it can still tell", async () => {
  const { redis, cancellations } = redisWith();
  cancellations.cancel(idOf(1), CALLER);
  await until("it was asked", () => redis.asked.length === 1);
  redis.fault = undefined;
  cancellations.cancel(idOf(2), CALLER);
  await cancellations.stop();
  expect(redis.cancelled).toEqual([idOf(2), idOf(1)]);
});
