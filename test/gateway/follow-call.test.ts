import { expect, test } from "vitest";
import { followCall, OVERDUE_MS } from "../../src/gateway/follow-call.js";
import type { CallNotifications, Watcher } from "../../src/store/calls/call-notifications.js";
import { LargeReadings } from "../../src/store/calls/large-readings.js";
import { admissionOf, admit, callStore, NODE } from "../store/calls/calls-fixture.js";
import { contractOf, registrationOf, registryStore, serve } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { expectWithin, spanOf } from "../support/redis-span.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

test("a reader whose call is overdue while Redis is away is told so", async () => {
  const client = redis().client({ maxRetriesPerRequest: 0, enableOfflineQueue: false, lazyConnect: true });
  await client.connect();
  const store = callStore(client);
  const provider = await serve(registryStore(client), registrationOf(contractOf("1.0.0")));
  const call = admissionOf(provider, { timeoutMs: 5_000 });
  const admitting = await spanOf(client, () => admit(store, call));
  let watcher: Watcher | undefined;
  const notifications: Pick<CallNotifications, "watch" | "unwatch"> = {
    watch: (_id, one) => {
      watcher = one;
    },
    unwatch: () => {},
  };
  const settings = {
    store,
    notifications: notifications as CallNotifications, // only these are used
    node: NODE,
    lost: { end: async () => undefined },
    readings: new LargeReadings(store),
    clock: { nowMs: () => admitting.toMs },
    monotonicMs: () => 0,
  };
  const step = followCall(settings, call.id, "", { client: "reader", signal: new AbortController().signal }).next();
  await until("it waits", () => Number.isFinite(watcher?.overdueAtMs));
  // The monotonic clock stands at 0 when Redis's is where the admission ended.
  expectWithin(watcher && watcher.overdueAtMs + admitting.toMs, admitting, 5_000 + OVERDUE_MS);
  client.disconnect();
  watcher?.onNotification({ kind: "overdue" });
  await expect(step).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
});

test("a reader whose call is overdue while Redis stands still is told so without its answer", async () => {
  // Without a limit of its own a command waits as long as Redis stands still.
  const client = redis().client();
  const store = callStore(client);
  const provider = await serve(registryStore(client), registrationOf(contractOf("1.0.0")));
  const call = admissionOf(provider, { timeoutMs: 5_000 });
  await admit(store, call);
  let watcher: Watcher | undefined;
  const notifications: Pick<CallNotifications, "watch" | "unwatch"> = {
    watch: (_id, one) => {
      watcher = one;
    },
    unwatch: () => {},
  };
  const settings = {
    store,
    notifications: notifications as CallNotifications, // only these are used
    node: NODE,
    lost: { end: async () => undefined },
    readings: new LargeReadings(store),
    clock: { nowMs: () => Date.now() },
    monotonicMs: () => 0,
  };
  const step = followCall(settings, call.id, "", { client: "reader", signal: new AbortController().signal }).next();
  await until("it waits", () => Number.isFinite(watcher?.overdueAtMs));
  await redis().freeze();
  try {
    watcher?.onNotification({ kind: "overdue" });
    await expect(step).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  } finally {
    await redis().thaw();
    client.disconnect();
  }
});
