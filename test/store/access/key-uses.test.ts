import { expect, test } from "vitest";
import { KeyUses } from "../../../src/store/access/key-uses.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { monitorRedis } from "../../support/redis-monitor.js";
import { until } from "../../support/until.js";
import { documentsForFile, keyspace } from "../documents/documents-fixture.js";

expectNoLeaks();
const here = documentsForFile();
const uses = (): KeyUses => new KeyUses(here().client, keyspace);

test("the last use is kept to the minute, by Redis's clock", async () => {
  const { client } = here();
  const nowMs = Number((await client.time())[0]) * 1_000;
  await uses().note(["a", "b"]);
  const [a = 0, b = 0, c] = await uses().read(["a", "b", "c"]);
  expect(a).toBeGreaterThanOrEqual(nowMs);
  expect(b).toBe(a);
  expect(c).toBe(0);
  await client.hset(keyspace.keyUses, "b", `1 ${a - 60_001} later`);
  await uses().note(["a", "b"]);
  const again = await uses().read(["a", "b"]);
  expect(again[0]).toBe(a);
  expect(again[1]).toBeGreaterThanOrEqual(a);
});

test("keys that there are no more are forgotten", async () => {
  await uses().note(Array.from({ length: 2_000 }, (_, n) => `key-${n}`));
  await uses().trim(new Set(["key-7", "key-1999", "other"]));
  expect((await here().client.hkeys(keyspace.keyUses)).sort()).toEqual(["key-1999", "key-7"]);
});

test("however many keys there are, one execution is about some hundreds of them", async () => {
  const ids = Array.from({ length: 10_000 }, (_, n) => `key-${n}`);
  await here().client.hset(keyspace.keyUses, Object.fromEntries(ids.map((id) => [id, "1 5"])));
  using monitor = await monitorRedis(here().redis.url);
  await uses().trim(new Set(ids.filter((_, n) => n % 2 === 0)));
  expect(await here().client.hlen(keyspace.keyUses)).toBe(5_000);
  await until("the monitor has seen it", () => monitor.lines.some((line) => line.includes('"hlen"')));
  const asked = monitor.lines.filter((line) => /"evalsha"/i.test(line));
  expect(asked.length).toBeGreaterThan(20);
  expect(Math.max(...asked.map((line) => line.length))).toBeLessThan(20_000);
});

test("what is damaged is written anew", async () => {
  await here().client.set(keyspace.keyUses, "x");
  expect(await uses().read(["a"])).toEqual([0]);
  await uses().trim(new Set());
  await uses().note(["a"]);
  expect((await uses().read(["a"]))[0]).toBeGreaterThan(0);
});
