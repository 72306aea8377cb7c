import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { type Commits, FAST_COMMITS } from "../../../src/redis/commits.js";
import { createConnections, type RedisConnections } from "../../../src/redis/connections.js";
import {
  type CallNotification,
  CallNotifications,
  type StopNotice,
} from "../../../src/store/calls/call-notifications.js";
import type { CallStore } from "../../../src/store/calls/call-store.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import type { Registered } from "../../../src/store/registry/register.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { redisForFile } from "../../support/redis.js";
import { until } from "../../support/until.js";
import { contractOf, keys, registrationOf, registryStore, serve } from "../registry/registry-fixture.js";
import { admissionOf, admit, callStore, claimOf, complete, endingOf, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const redis = redisForFile();

let connections: RedisConnections;
let store: CallStore;
let provider: Registered;
let notifications: CallNotifications;
let stops: StopNotice[];
let aheadMs: number;
let failedProbes: number;
let commits: { -readonly [K in keyof Commits]: Commits[K] };
beforeEach(async () => {
  connections = createConnections({
    redisUrl: redis().url,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  commits = { ...FAST_COMMITS };
  store = callStore(connections.command.client, { commits });
  provider = await serve(registryStore(connections.command.client), registrationOf(contractOf("1.0.0")));
  stops = [];
  aheadMs = 0;
  failedProbes = 0;
  notifications = new CallNotifications({
    store,
    subscriber: connections.subscriber,
    node: NODE,
    log: { ...SILENT_LOGGER, debug: ({ event }) => void (event === "probe_failed" && failedProbes++) },
    monotonicMs: () => performance.now() + aheadMs,
    onStop: (notice) => stops.push(notice),
  });
  await notifications.start();
});
afterEach(async () => {
  await notifications.stop();
  await connections.stop();
});

function listen(id: CallId) {
  const heard: CallNotification[] = [];
  const watcher = {
    overdueAtMs: Number.POSITIVE_INFINITY,
    onNotification: (notification: CallNotification) => void heard.push(notification),
  };
  notifications.watch(id, watcher);
  const stop = (): void => notifications.unwatch(id, watcher);
  return {
    notifications: heard,
    watcher,
    stop,
    end: () => heard.find((notification) => notification.kind === "ended"),
  };
}
/** A call in the provider's hands; `watch` says whether its end notifies this node. */
async function running(watch: boolean) {
  const call = admissionOf(provider, { watch });
  await admit(store, call);
  const [taken] = await take(store, provider.lease);
  if (taken === undefined) throw new Error("nothing was taken");
  return taken;
}
const finish = (call: Awaited<ReturnType<typeof running>>, body = Buffer.from("3")) =>
  complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body }]);

describe("a notification whose end has to be confirmed", () => {
  const TERMINAL = "result - 1 1700000000000\n3";
  const notifyIn = (history: string, id: CallId) =>
    connections.command.client.callBuffer("SPUBLISH", [
      keys.node(NODE),
      `h${history} 0\nt${id} ${TERMINAL.length}\n${TERMINAL}`,
    ]);

  test("is told when it is, in the history that it was notified in", async () => {
    const call = await running(false);
    const { notifications, end } = listen(call.id);
    const confirmed = deferred();
    const asked: string[] = [];
    commits.waits = true;
    commits.confirm = (_shard, history) => {
      asked.push(history);
      return confirmed.promise;
    };
    await notifyIn("abc", call.id);
    await until("it asks", () => asked.length > 0);
    expect({ asked, notifications }).toEqual({ asked: ["abc"], notifications: [] });
    confirmed.resolve();
    expect(await until("it notified", end)).toMatchObject({ ending: { kind: "result", body: Buffer.from("3") } });
  });

  test("is not told when it is not: the record says what became of the call", async () => {
    const call = await running(false);
    const { end } = listen(call.id);
    commits.waits = true;
    commits.confirm = () => Promise.reject(new Error("another master"));
    await notifyIn("abc", call.id);
    await finish(call, Buffer.from("4"));
    expect(await until("it is told", end)).toMatchObject({ ending: { body: Buffer.from("4") } });
  });
});

describe("a notification", () => {
  test("brings the end, with the result", async () => {
    const call = await running(true);
    const { end } = listen(call.id);
    await finish(call);
    expect(await until("it notified", end)).toMatchObject({ ending: { kind: "result", body: Buffer.from("3") } });
  });

  test("of a long result says that it is there", async () => {
    const call = await running(true);
    const { end } = listen(call.id);
    const body = Buffer.alloc(100_000, "7");
    await finish(call, body);
    expect(await until("it notified", end)).toEqual({ kind: "ended", ending: { kind: "large" } });
    expect((await endingOf(store, call.id))?.body.equals(body)).toBe(true);
  });

  test("that was lost is made up: whoever waits is told in the end", async () => {
    const call = await running(false);
    const { end } = listen(call.id);
    await finish(call);
    expect(await until("it was looked up", end)).toMatchObject({ ending: { kind: "result" } });
  });

  test("that was lost with its connection is made up as soon as there is another one", async () => {
    const call = await running(true);
    const { notifications, end } = listen(call.id);
    const other = redis().client();
    await other.client("KILL", "TYPE", "PUBSUB");
    await finish(call);
    await until("it was told", end);
    other.disconnect();
    // Watchers of output hear that there may be some.
    await until("output was hinted at", () => notifications.some(({ kind }) => kind === "output"));
  });

  test("of a call that Redis has lost says that it is gone", async () => {
    const { notifications } = listen(admissionOf(provider).id);
    await until("it was looked up", () => notifications.some(({ kind }) => kind === "gone"));
  });

  test("asks for a running call to be stopped, by attempt", async () => {
    const call = await running(false);
    await cancelCall(store, call.id);
    await until("it was asked", () => stops.length > 0);
    expect(stops).toEqual([{ id: call.id, attempt: 1, reason: "CANCELLED" }]);
  });
});

describe("a watch", () => {
  test("that was stopped hears nothing any more, and is forgotten", async () => {
    const call = await running(true);
    const [one, two] = [listen(call.id), listen(call.id)];
    expect(notifications.size).toBe(1);
    one.stop();
    one.stop();
    await finish(call);
    await until("the other one notified", two.end);
    expect(one.notifications).toEqual([]);
    two.stop();
    expect(notifications.size).toBe(0);
  });

  test("that is overdue while Redis is away is told, and no other", async () => {
    const call = await running(true);
    const [due, patient] = [listen(call.id), listen(call.id)];
    due.watcher.overdueAtMs = performance.now() + 1_000_000;
    await redis().kill();
    await until("the node knows", () => !connections.ready());
    aheadMs = 2_000_000;
    await until("it was told", () => due.notifications.some(({ kind }) => kind === "overdue"));
    expect(patient.notifications.some(({ kind }) => kind === "overdue")).toBe(false);
    await redis().restart();
  });

  test("that is overdue while Redis stands still does not wait until a lookup is given up", async () => {
    const call = await running(true);
    const { notifications, watcher } = listen(call.id);
    await redis().freeze();
    try {
      watcher.overdueAtMs = performance.now();
      await until("it was told", () => notifications.some(({ kind }) => kind === "overdue"));
      expect(failedProbes).toBe(0);
    } finally {
      await redis().thaw();
    }
  });

  test("that is overdue while its notification was lost is told how the call ended", async () => {
    const call = await running(false);
    const { notifications, watcher } = listen(call.id);
    await finish(call);
    watcher.overdueAtMs = performance.now();
    const [first] = await until("it was told", () => notifications.length > 0 && notifications);
    expect(first).toMatchObject({ kind: "ended" });
  });
});
