import type { Redis } from "ioredis";
import { beforeEach, describe, expect, test } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import type { Repeating } from "../../../src/async/every.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import type { CallStore } from "../../../src/store/calls/call-store.js";
import { DEADLINES_WHOLE } from "../../../src/store/calls/deadlines-whole.js";
import { RESTS } from "../../../src/store/calls/line-search.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { readCall } from "../../../src/store/calls/read-call.js";
import { renewClaims } from "../../../src/store/calls/renew-claims.js";
import { restoreDeadlines } from "../../../src/store/calls/restore-deadlines.js";
import { STRAYS } from "../../../src/store/calls/strays.js";
import { createSettler } from "../../../src/upkeep/settler.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { SILENT_FAULTS } from "../../support/silent-faults.js";
import { until } from "../../support/until.js";
import { toolsetOf } from "../../upkeep/toolset-of.js";
import { keys, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callStore, callsForFile, claimOf, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

/** A node's settler. @param heard called after each pass. */
function settlerOf(calls: CallStore, heard = () => {}): Repeating {
  const { provider } = here();
  const toolsets = () => [toolsetOf(TOOLSET, { epoch: provider.lease.epoch, liveUntilMs: 0 })];
  return createSettler(calls, toolsets, { heard }, Math.random, SILENT_LOGGER, SILENT_FAULTS);
}

const LOSSES: Readonly<Record<string, (client: Redis, id: CallId) => Promise<unknown>>> = {
  "is gone": (client, id) => client.del(keys.call(id)),
  "is gone with all deadlines": (client, id) => client.del(keys.call(id), keys.due),
  "is of another type": (client, id) => client.multi().del(keys.call(id)).lpush(keys.call(id), "x").exec(),
  "says nothing of where it stands": async (client, id) =>
    client.set(keys.call(id), ((await client.get(keys.call(id))) ?? "").replace(/\n.*/s, "\n")),
};

test.each(Object.entries(LOSSES))(
  "a call that runs, whose record %s, does not count as backlog for long",
  async (_, lose) => {
    const { client, store, provider } = here();
    const destination = { ...admissionOf(provider).destination, maxBacklog: 1 };
    const admission = await admit(store, admissionOf(provider, { destination }));
    if (admission.kind !== "admitted") throw new Error("it was to be admitted");
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was to be taken");
    expect(await admit(store, admissionOf(provider, { destination }))).toEqual({ kind: "full" });
    await lose(client, call.id);

    // Its node learns it when it extends the claim, and says so.
    const claim = { ...claimOf(provider.lease, call), toolset: TOOLSET, epoch: provider.lease.epoch };
    const [answer] = await renewClaims(store, keys, NODE, [claim]);
    expect(["gone", "fenced"]).toContain(answer);
    await new LostCalls(store, SILENT_LOGGER).end({ id: call.id, head: admission.head.text, attempt: 1 });
    const settler = settlerOf(store);
    settler.start();
    try {
      await until(
        "there is room",
        async () => (await admit(store, admissionOf(provider, { destination }))).kind === "admitted",
      );
    } finally {
      await settler.stop();
    }
    await expectKeysToExpire(client);
  },
);

test("a call whose record is gone is missed at the end of its claim, where nobody misses it before", async () => {
  const { client, provider } = here();
  const brief = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
  const admission = admissionOf(provider);
  await admit(brief, admission);
  await take(brief, provider.lease);
  await client.del(keys.call(admission.id));
  const settler = settlerOf(brief);
  settler.start();
  try {
    await until("nothing waits", async () => (await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))) === 0);
  } finally {
    await settler.stop();
  }
});

test("calls end in time while the lines are looked through, however long that takes", async () => {
  const { client, store, provider } = here();
  const gate = deferred();
  let looking = false;
  const slow: RedisClient = Object.create(client, {
    callBuffer: {
      value: async (command: string, [sha = "", count = 0, ...more]: (string | Buffer | number)[]) => {
        // The scripts of that have three keys, those that settle have two.
        if (count === 3) {
          looking = true;
          await gate.promise;
        }
        return client.callBuffer(command, [sha, count, ...more]);
      },
    },
  });
  const brief = callStore(slow);
  await client.zadd(keys.due, "+inf", STRAYS);
  const admission = admissionOf(provider, { timeoutMs: 500 });
  await admit(store, admission);
  const settler = settlerOf(brief);
  settler.start();
  try {
    await until("the lines are looked through", () => looking);
    const end = await until("the call has ended", async () => (await readCall(store, admission.id, {}))?.ending);
    expect(end).toMatchObject({ kind: "not_executed", reason: "DEADLINE_EXCEEDED" });
  } finally {
    gate.resolve();
    await settler.stop();
  }
  expect(await client.zscore(keys.due, STRAYS), "stopped means finished").toBeNull();
  expect(await client.zscore(keys.due, DEADLINES_WHOLE)).not.toBeNull();
});

describe("of several nodes", () => {
  let settlers: Repeating[];
  /** How often each of them has passed. */
  let passes: number[];
  /** How often the line was looked through from its beginning. */
  let looks: number;
  const search = () => keys.search;
  const severalPasses = async () => {
    const from = [...passes];
    await until("each has passed several times", () => passes.every((count, index) => count >= (from[index] ?? 0) + 3));
  };
  const whole = () => {
    const { client } = here();
    return until(
      "the lines were looked through",
      async () => (await client.zscore(keys.due, DEADLINES_WHOLE)) !== null,
    );
  };
  const loseRecord = async () => {
    const { client, store, provider } = here();
    const admission = admissionOf(provider);
    await admit(store, admission);
    await client.del(keys.call(admission.id));
    await client.zadd(keys.due, 1, admission.id); // its time has come
  };

  beforeEach(async () => {
    const { client, store } = here();
    passes = [0, 0, 0];
    looks = 0;
    const monitor = await client.monitor();
    monitor.on("monitor", (_time: string, [command, key, from]: string[]) => {
      if (command?.toLowerCase() === "xrange" && key?.includes("requests:") && from === "-") looks++;
    });
    settlers = passes.map((_, index) =>
      settlerOf(store, () => {
        passes[index] = (passes[index] ?? 0) + 1;
      }),
    );
    return async () => {
      await Promise.all(settlers.map((settler) => settler.stop()));
      monitor.disconnect();
    };
  });

  test("one looks through the lines for a lost record, once", async () => {
    const { client, provider } = here();
    for (const settler of settlers) settler.start();
    await whole();
    await client.del(search()); // they may be looked through again
    await severalPasses();
    looks = 0;
    await loseRecord();
    await until("nothing waits", async () => (await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))) === 0);
    await severalPasses();
    expect(looks).toBe(1);
    expect(await client.zscore(keys.due, STRAYS)).toBeNull();

    // What is lost soon after waits for a while, for company.
    await loseRecord();
    await severalPasses();
    expect(looks).toBe(1);
    expect(await client.zscore(keys.due, STRAYS)).not.toBeNull();
    expect(await client.get(search())).toBe(RESTS);
    // Deadlines do not wait.
    await client.multi().del(keys.due).pexpire(search(), 60_000).exec();
    await whole();
    await severalPasses();
    expect(looks).toBe(2);
  });

  test.each<[string, string, number | undefined]>([
    ["that was lost on the way is followed by another", "1", 500],
    ["is not waited for because of a value that never expires", "1", undefined],
    ["is not waited for because of a value that lasts too long", RESTS, 3_600_000],
  ])("one %s", async (_, value, forMs) => {
    const { client } = here();
    await client.set(search(), value);
    if (forMs !== undefined) await client.pexpire(search(), forMs);
    for (const settler of settlers) settler.start();
    await whole();
    expect(looks).toBe(1);
  });
});

test("a look through the lines ends, whatever says when it began", async () => {
  const { client, store } = here();
  for (const since of ["nan", "1e300", "-inf"]) {
    await client.set(keys.search, since, "PX", 60_000);
    await restoreDeadlines(store, keys, []);
    expect(await client.get(keys.search), since).toBe(RESTS);
  }
});
