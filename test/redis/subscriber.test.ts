import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import type { Subscriber } from "../../src/redis/subscriber.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

let connections: RedisConnections;
let subscriber: Subscriber;
let other: ReturnType<ReturnType<typeof redis>["client"]>;
beforeEach(async () => {
  connections = createConnections({
    redisUrl: redis().url,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  ({ subscriber } = connections);
  other = redis().client();
  await other.ping();
});
afterEach(async () => {
  other.disconnect();
  await connections.stop();
});

/** What a listener heard. */
async function hear(channel: string) {
  const heard: string[] = [];
  const stop = await subscriber.subscribe(channel, (message) => heard.push(message.toString()));
  return { heard, stop };
}
const listeners = async (channel: string) => (await other.pubsub("SHARDNUMSUB", channel))[1];

describe("a subscriber", () => {
  test("hears what is said after it subscribed, as bytes", async () => {
    const heard: Buffer[] = [];
    await subscriber.subscribe("a", (message) => heard.push(message));
    const bytes = Buffer.from([0, 255, 10]);
    await other.spublish("a", bytes);
    await until("it was heard", () => heard.length === 1);
    expect(heard).toEqual([bytes]);
  });

  test("hears each channel apart, and each listener of one channel hears all", async () => {
    const [one, two, elsewhere] = [await hear("a"), await hear("a"), await hear("b")];
    await other.spublish("a", "1");
    await other.spublish("b", "2");
    await until("all was heard", () => elsewhere.heard.length === 1);
    expect([one.heard, two.heard, elsewhere.heard]).toEqual([["1"], ["1"], ["2"]]);
  });

  test("leaves a channel with its last listener", async () => {
    const [one, two] = [await hear("a"), await hear("a")];
    one.stop();
    one.stop();
    expect(await listeners("a")).toBe(1);
    await other.spublish("a", "1");
    await until("the other one heard", () => two.heard.length === 1);
    expect(one.heard).toEqual([]);
    two.stop();
    await until("nobody listens", async () => (await listeners("a")) === 0);
  });

  test("after its connection was killed subscribes to everything again, and says that something may be lost", async () => {
    const [one, two] = [await hear("a"), await hear("b")];
    let gaps = 0;
    const forget = subscriber.onGap(() => gaps++);
    await other.client("KILL", "TYPE", "PUBSUB");
    await until("it says so", () => gaps > 0);
    // Called when it listens again, not before: a reader that looks then misses nothing.
    expect([await listeners("a"), await listeners("b")]).toEqual([1, 1]);
    await other.spublish("a", "after");
    await other.spublish("b", "after");
    await until("both were heard", () => one.heard.length + two.heard.length === 2);
    forget();
    const before = gaps;
    await other.client("KILL", "TYPE", "PUBSUB");
    await until("it listens again", async () => (await listeners("a")) === 1);
    expect(gaps).toBe(before);
  });

  test("asked while Redis is away, listens as soon as it is back", async () => {
    await redis().kill();
    await until("the node knows", () => !connections.ready());
    const { heard } = await hear("later");
    await redis().restart();
    const publisher = redis().client();
    await until("it was heard", async () => {
      await publisher.spublish("later", "x");
      return heard.length > 0;
    });
    publisher.disconnect();
  });

  test("replaces a connection on which nothing is heard any more", async () => {
    const { heard } = await hear("a");
    let gaps = 0;
    subscriber.onGap(() => gaps++);
    const slow = redis().client({ commandTimeout: 2_000 });
    await slow.ping();
    await redis().freeze();
    const again = until("the silent connection was given up", () => gaps > 0, { withinMs: 20_000 });
    // A probe has to go unanswered, which takes less than two commands do; then Redis may answer again.
    for (let unanswered = 0; unanswered < 2; unanswered++) await expect(slow.ping()).rejects.toThrow();
    slow.disconnect();
    await redis().thaw();
    await again;
    await until("it was heard", async () => {
      await other.spublish("a", "x");
      return heard.length > 0;
    });
  });
});
