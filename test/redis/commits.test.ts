import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { ReplicatedCommits, runConfirmed } from "../../src/redis/commits.js";
import { withHistory } from "../../src/redis/history.js";
import { defineScript, runScript } from "../../src/redis/script.js";
import { keys, keyspace } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { linkTo } from "../support/redis-link.js";
import { type ReplicatedRedis, replicatedRedis } from "../support/replicated-redis.js";
import { until } from "../support/until.js";

expectNoLeaks();

const WRITE = defineScript("WRITE", "redis.call('SET', KEYS[1], ARGV[1]) return { 'wrote', ARGV[1] }");

let redis: ReplicatedRedis;
let command: Redis;
let waiting: Redis;
let commits: ReplicatedCommits;
let link: ReturnType<typeof linkTo>;
let changes: boolean[];
const opened: Redis[] = [];

beforeAll(async () => {
  redis = await replicatedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  changes = [];
  command = redis.master.client();
  waiting = redis.master.client({ lazyConnect: true, maxRetriesPerRequest: 0, enableOfflineQueue: false });
  commits = commitsBy(waiting);
  await commits.start();
});
afterEach(async () => {
  await redis.replica.thaw();
  await commits.stop();
  for (const client of [command, waiting, ...opened.splice(0)]) client.disconnect();
});

/** Patient, so that a busy machine fails no test; unless a test is about a replica that does not confirm. */
function commitsBy(client: Redis, replicas = 1, timeoutMs = 30_000): ReplicatedCommits {
  link = linkTo(client);
  return new ReplicatedCommits({
    ...{ link, shards: keyspace.shards, replicas, timeoutMs, log: SILENT_LOGGER },
    onConfirming: (confirming) => changes.push(confirming),
  });
}

const write = (value: string) =>
  runConfirmed({ redis: command, commits }, keys, WRITE, [`${keys.prefix}call:x`], [value]);
const onReplica = async () => {
  const client = redis.replica.client();
  opened.push(client);
  return await client.get(`${keys.prefix}call:x`);
};

test("what was confirmed is on the replica, and the answer is the script's own", async () => {
  for (let i = 0; i < 50; i += 1) {
    const answer = await write(`value ${i}`);
    expect(answer).toEqual([Buffer.from("wrote"), Buffer.from(`value ${i}`)]);
    expect(await onReplica()).toBe(`value ${i}`);
  }
});

test("many writes share few questions, and each is answered", async () => {
  const before = await waits();
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => write(`${i}`)));
  expect((await waits()) - before).toBeLessThan(100);
});

test("while the replica stands still nothing is confirmed, and all goes on when it moves again", async () => {
  await commits.stop();
  const impatient = redis.master.client({ lazyConnect: true, maxRetriesPerRequest: 0, enableOfflineQueue: false });
  opened.push(impatient);
  changes = [];
  commits = commitsBy(impatient, 1, 200);
  await commits.start();
  await redis.replica.freeze();
  await expect(write("stuck")).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  expect(commits.confirming).toBe(false);
  await redis.replica.thaw();
  await until("it is noticed without anybody asking", () => commits.confirming);
  await until("it is confirmed", () =>
    write("again").then(
      () => true,
      () => false,
    ),
  );
  expect(await onReplica()).toBe("again");
  expect(changes.slice(0, 3)).toEqual([true, false, true]);
});

test("a Redis with too few replicas is refused, with what to do", async () => {
  const client = redis.master.client({ lazyConnect: true });
  opened.push(client);
  await expect(commitsBy(client, 2).start()).rejects.toMatchObject({
    reason: "INVALID_CONFIG",
    message: expect.stringMatching(/2 of Redis's replicas, and it has 1; .*TOOLGATE_REPLICAS/),
  });
});

test("a Redis that does not tell its history is refused: nobody could say whose confirmation it is", async () => {
  await command.call("ACL", "SETUSER", "shy", "on", ">secret", "~*", "&*", "+@all", "-info");
  const client = redis.master.client({
    lazyConnect: true,
    username: "shy",
    password: "secret",
    enableReadyCheck: false,
  });
  opened.push(client);
  await expect(commitsBy(client).start()).rejects.toMatchObject({
    reason: "INVALID_CONFIG",
    message: expect.stringContaining("allow the node's user INFO"),
  });
});

test("while nobody knows the master, what it did is unknown", async () => {
  const outcome = await commits.run(command, WRITE, keys, [`${keys.prefix}call:x`], ["1"]);
  link.masterOf = () => {
    throw new ToolgateError("STORE_UNAVAILABLE", "no master", { executed: "no" });
  };
  await expect(outcome.confirm()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  expect(commits.confirming).toBe(false);
});

test("after it was stopped nothing is confirmed", async () => {
  await commits.stop();
  await expect(write("late")).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
});

describe("a script that also tells its history", () => {
  test("keeps its flags, its answer and its failures", async () => {
    const flagged = withHistory(defineScript("F", "#!lua flags=no-writes\nreturn tonumber(ARGV[1]) + 1"));
    expect(await runScript(command, flagged, [], ["41"])).toEqual([expect.any(Buffer), 42]);
    const writing = withHistory(defineScript("F", "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], '')"));
    await expect(runScript(command, writing, ["k"], [])).rejects.toThrow();
    const refusing = withHistory(defineScript("F", "return redis.error_reply('OOM no memory is left')"));
    await expect(runScript(command, refusing, [], [])).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  });
});

test("a write by one master is not confirmed by another", async () => {
  // A connection that moved to the new master, while the command was still answered by the old one.
  const elsewhere = redis.replica.client({ lazyConnect: true, maxRetriesPerRequest: 0, enableOfflineQueue: false });
  opened.push(elsewhere);
  const other = commitsBy(elsewhere, 0);
  // Promoted while the old master does not know of it yet.
  const promoting = redis.replica.client();
  opened.push(promoting);
  await promoting.call("REPLICAOF", "NO", "ONE");
  await other.start();
  const outcome = await other.run(command, WRITE, keys, [`${keys.prefix}call:x`], ["lost"]);
  await expect(outcome.confirm()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  await other.stop();
});

/** How many WAITs the master has answered. */
async function waits(): Promise<number> {
  const stats = await command.info("commandstats");
  return Number(/^cmdstat_wait:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}
