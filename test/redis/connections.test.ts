import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { defineScript, runScript } from "../../src/redis/script.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile({ appendOnly: true });
const COUNT = defineScript("COUNT", "return redis.call('INCR', KEYS[1])");

let connections: RedisConnections;
let readiness: boolean[];
beforeEach(async () => {
  readiness = [];
  connections = connectionsTo(redis().url);
  await connections.start();
  // Known to Redis, so that what follows is one command each.
  await runScript(connections.command.client, COUNT, ["warm"], []);
});
afterEach(() => connections.stop());

function connectionsTo(redisUrl: string): RedisConnections {
  const onReady = (ready: boolean) => void readiness.push(ready);
  return createConnections({ redisUrl, lockTtlMs: 1_000, log: SILENT_LOGGER, onReady });
}
const count = (key: string) => runScript(connections.command.client, COUNT, [key], []);
/** What another client finds. */
async function stored(key: string): Promise<string | null> {
  const other = redis().client();
  try {
    return await other.get(key);
  } finally {
    other.disconnect();
  }
}

describe("while Redis is away", () => {
  test("a command fails at once and definitely, nothing is queued, and all returns by itself", async () => {
    expect(connections.ready()).toBe(true);
    await redis().kill();
    await until("the node knows", () => !connections.ready());
    for (let i = 0; i < 20; i++) {
      await expect(count("away")).rejects.toMatchObject({
        reason: "STORE_UNAVAILABLE",
        executed: "no",
        retryAfterMs: 1_000,
      });
    }
    await redis().restart();
    await until("commands can be sent again", () => connections.ready());
    expect(await count("after")).toBe(1);
    expect(await stored("away")).toBeNull();
    expect(readiness.at(0)).toBe(true);
    expect(readiness).toContain(false);
    expect(readiness.at(-1)).toBe(true);
  });
});

describe("while Redis loads its file", () => {
  // A hidden setting, for tests: each command of the file takes this many microseconds. Redis answers after every 1,024.
  const slow = { appendOnly: true, args: ["--key-load-delay", "300"] };

  test("a command is refused definitely, the node is not ready, and all returns by itself", async () => {
    const loading = await privateRedis(slow);
    const slowly = connectionsTo(loading.url);
    try {
      await slowly.start();
      const writes = Array.from({ length: 8_000 }, () => runScript(slowly.command.client, COUNT, ["n"], []));
      await Promise.all(writes);
      await loading.kill();
      await until("the node knows", () => !slowly.ready());
      const restarting = loading.restart();
      const client = loading.client({ enableReadyCheck: false, maxRetriesPerRequest: 0, retryStrategy: () => 20 });
      await until("Redis says that it is loading", async () => {
        return await client.get("n").then(
          () => false,
          (error: Error) => error.message.startsWith("LOADING"),
        );
      });
      await expect(runScript(client, COUNT, ["n"], [])).rejects.toMatchObject({
        reason: "STORE_UNAVAILABLE",
        executed: "no",
      });
      expect(slowly.ready()).toBe(false);
      await expect(runScript(slowly.command.client, COUNT, ["n"], [])).rejects.toMatchObject({
        reason: "STORE_UNAVAILABLE",
        executed: "no",
      });
      await restarting;
      await until("commands can be sent again", () => slowly.ready());
      expect(await runScript(slowly.command.client, COUNT, ["n"], [])).toBe(8_001);
    } finally {
      await slowly.stop();
      await loading.stop();
    }
  });
});

describe("a command whose reply is lost", () => {
  test("with its connection is unknown, and never sent again", async () => {
    await redis().freeze();
    const lost = count("lost").catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve)); // it is written
    connections.command.masterOf("").stream.destroy();
    expect(await lost).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
    await redis().thaw();
    await until("it was applied", async () => (await stored("lost")) === "1");
    await until("commands can be sent again", () => connections.ready());
    await count("other");
    expect(await stored("lost")).toBe("1");
  });

  test("with a server that does not answer in time is unknown, and never sent again", async () => {
    await redis().freeze();
    await expect(count("late")).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
    await redis().thaw();
    await until("it was applied after all", async () => (await stored("late")) === "1");
    await count("other");
    expect(await stored("late")).toBe("1");
  });

  test("when Redis cuts the connection fails once, and the next one works", async () => {
    const other = redis().client();
    await other.client("KILL", "TYPE", "NORMAL");
    other.disconnect();
    await until("commands can be sent again", async () => connections.ready() && (await count("next")) !== null);
  });
});

describe("starting and stopping", () => {
  test("without Redis says where it was looked for and what to do, and no password", async () => {
    const absent = connectionsTo("redis://user:hidden@127.0.0.1:1/0");
    await expect(absent.start()).rejects.toMatchObject({
      reason: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/redis:\/\/127\.0\.0\.1:1\/0 .*REDIS_URL/),
    });
    await absent.stop();
  });

  test("stopping twice is the same as once, and a stopped node's commands fail", async () => {
    await connections.stop();
    await connections.stop();
    await until("the connection is closed", () => !connections.ready());
    await expect(count("stopped")).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  });
});
