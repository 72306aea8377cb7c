import { expect, test } from "vitest";
import { formatHead } from "../../src/calls/call-record.js";
import { LostCalls } from "../../src/calls/lost-calls.js";
import { renewClaims } from "../../src/calls/renew-claims.js";
import type { CallId } from "../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../src/log/logger.js";
import { SILENT_FAULTS } from "../../src/log/recurring-faults.js";
import { createSettler } from "../../src/ticker/settler.js";
import { client, keys, TOOLSET } from "../registry/registry-fixture.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { toolsetOf } from "../ticker/toolset-of.js";
import { admissionOf, admit, callStore, callsForFile, claimOf, NODE, provider, store, take } from "./calls-fixture.js";

expectNoLeaks();
callsForFile();

const LOSSES: Readonly<Record<string, (id: CallId) => Promise<unknown>>> = {
  "is gone": (id) => client.del(keys.call(id)),
  "is gone with all deadlines": (id) => client.del(keys.call(id), keys.due),
  "is of another type": (id) => client.multi().del(keys.call(id)).lpush(keys.call(id), "x").exec(),
  "says nothing of where it stands": async (id) =>
    client.set(keys.call(id), ((await client.get(keys.call(id))) ?? "").replace(/\n.*/s, "\n")),
};

test.each(Object.entries(LOSSES))(
  "a call that runs, whose record %s, does not count as backlog for long",
  async (_, lose) => {
    const destination = { ...admissionOf(provider).destination, maxBacklog: 1 };
    const admission = await admit(store, admissionOf(provider, { destination }));
    if (admission.kind !== "admitted") throw new Error("it was to be admitted");
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was to be taken");
    expect(await admit(store, admissionOf(provider, { destination }))).toEqual({ kind: "full" });
    await lose(call.id);

    // Its node learns it when it extends the claim, and says so.
    const claim = { ...claimOf(provider.lease, call), toolset: TOOLSET, epoch: provider.lease.epoch };
    const [answer] = await renewClaims(store, keys, NODE, [claim]);
    expect(["gone", "fenced"]).toContain(answer);
    await new LostCalls(store, SILENT_LOGGER).end({ id: call.id, head: formatHead(admission.head), attempt: 1 });
    const settler = createSettler(
      store,
      () => [toolsetOf(TOOLSET, { epoch: provider.lease.epoch, liveUntilMs: 0 })],
      { heard: () => {} },
      Math.random,
      () => performance.now(),
      SILENT_LOGGER,
      SILENT_FAULTS,
    );
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
  const brief = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
  const admission = admissionOf(provider);
  await admit(brief, admission);
  await take(brief, provider.lease);
  await client.del(keys.call(admission.id));
  const settler = createSettler(
    brief,
    () => [toolsetOf(TOOLSET, { epoch: provider.lease.epoch, liveUntilMs: 0 })],
    { heard: () => {} },
    Math.random,
    () => performance.now(),
    SILENT_LOGGER,
    SILENT_FAULTS,
  );
  settler.start();
  try {
    await until("nothing waits", async () => (await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))) === 0);
  } finally {
    await settler.stop();
  }
});
