import { afterEach, expect, test } from "vitest";
import { expectNoLeaks } from "../support/leaks.js";
import { privateCluster, privateSentinel } from "../support/redis-groups.js";
import { until } from "../support/until.js";

expectNoLeaks();

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

test("a cluster serves every slot, and goes on with a replica when a master is killed", async () => {
  const cluster = await privateCluster({ replicas: 1, nodeTimeoutMs: 500 });
  stop = () => cluster.stop();
  expect(await cluster.masters()).toHaveLength(3);
  expect(await cluster.replicas()).toHaveLength(3);
  const key = "toolgate:{default/0}:due";
  const before = await cluster.masterOf(key);
  await before.kill();
  const after = await until("a replica took over", async () => {
    const master = await cluster.masterOf(key);
    return master !== before && master;
  });
  expect(await after.query((redis) => redis.set(key, "1"))).toBe("OK");
  await before.start();
  await cluster.settled();
  expect(await cluster.replicas()).toContain(before);
});

test("Sentinels promote a replica when the master is killed, and take it back as a replica", async () => {
  const group = await privateSentinel({ replicas: 2 });
  stop = () => group.stop();
  const before = await group.master();
  expect(before).toBe(group.members[0]);
  await before.query((redis) => redis.set("kept", "1"));
  await before.kill();
  const after = await until("a replica took over", async () => {
    const master = await group.master();
    return master !== before && master;
  });
  expect(await after.query((redis) => redis.get("kept"))).toBe("1");
  await before.start();
  await group.settled();
  expect(await group.replicas()).toContain(before);
});
