import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { fromRedisError, isRedisUnavailable } from "../../src/errors/redis-errors.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

/** As a node's own clients are: nothing is queued and nothing sent again. */
const FAIL_FAST = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  retryStrategy: () => 20,
} as const;

async function connected(options: object = {}): Promise<Redis> {
  const client = redis().client({ ...FAIL_FAST, ...options });
  await client.connect();
  return client;
}

async function faultOf(command: Promise<unknown>): Promise<ToolgateError> {
  try {
    await command;
  } catch (error) {
    return fromRedisError(error);
  }
  throw new Error("the command succeeded");
}

describe("against a real Redis", () => {
  test("a command before the connection stands was not sent", async () => {
    const client = redis().client(FAIL_FAST);
    expect(await faultOf(client.set("k", 1))).toMatchObject({
      reason: "STORE_UNAVAILABLE",
      executed: "no",
      retryAfterMs: 1_000,
    });
    client.disconnect();
  });

  test("a command whose connection goes may have been applied", async () => {
    const client = await connected();
    const admin = await connected();
    const answer = faultOf(client.blpop("nothing", 0));
    await until("it waits", async () => String(await admin.client("LIST")).includes("cmd=blpop"));
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    expect(await answer).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  });

  test("a command that is not answered in time may have been applied", async () => {
    const client = await connected({ commandTimeout: 50 });
    const admin = await connected();
    await admin.call("CLIENT", "PAUSE", 60_000, "WRITE");
    expect(await faultOf(client.set("k", 1))).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
    await admin.client("UNPAUSE");
  });

  test("a replica refuses, also within a script: nothing was applied", async () => {
    const client = await connected();
    await client.replicaof("127.0.0.1", 1);
    try {
      for (const command of [client.set("k", 1), client.eval("redis.call('SET', KEYS[1], 1)", 1, "k")]) {
        const fault = await faultOf(command);
        expect(fault).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
        expect(fault.message).toContain("READONLY");
      }
      await client.config("SET", "replica-serve-stale-data", "no");
      expect((await faultOf(client.get("k"))).message).toContain("MASTERDOWN");
    } finally {
      await client.config("SET", "replica-serve-stale-data", "yes");
      await client.replicaof("NO", "ONE");
    }
  });

  test("a full Redis refuses, also within a script: nothing was applied", async () => {
    const client = await connected();
    await client.config("SET", "maxmemory", "1");
    try {
      const script = "redis.call('SET', KEYS[1], 1); redis.call('SET', KEYS[1], 2)";
      for (const command of [client.set("k", 1), client.eval(script, 1, "k")]) {
        const fault = await faultOf(command);
        expect(fault).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
        expect(fault.message).toContain("OOM");
      }
    } finally {
      await client.config("SET", "maxmemory", "0");
    }
    expect(await client.exists("k")).toBe(0);
  });

  test("a Redis that is busy with a script refuses", async () => {
    const client = await connected();
    const other = await connected();
    await client.config("SET", "busy-reply-threshold", "1");
    const endless = client.eval("while true do end", 0).catch((error: unknown) => error);
    await until("it is busy", async () => {
      const fault = await other.get("k").then(
        () => undefined,
        (error: unknown) => fromRedisError(error),
      );
      if (fault !== undefined) expect(fault).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
      return fault?.message.includes("BUSY");
    });
    await other.script("KILL");
    await endless;
  });

  test("a command that is wrong is a fault of ours, and says nothing of Redis", async () => {
    const client = await connected();
    await client.set("k", "text");
    const fault = await faultOf(client.hgetall("k"));
    expect(fault).toMatchObject({ reason: "INTERNAL", executed: "unknown" });
    expect(isRedisUnavailable(fault)).toBe(false);
    await client.del("k");
  });
});

test("a port that nobody listens on is a refusal before anything was sent", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number }; // listens on TCP
  server.close();
  await once(server, "close");
  const client = new Redis({ ...FAIL_FAST, port, host: "127.0.0.1" });
  const fault = once(client, "error");
  client.connect().catch(() => {}); // the event has the cause
  const [error] = await fault;
  client.disconnect();
  expect(error.code).toBe("ECONNREFUSED");
  expect(fromRedisError(error)).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
});

describe("by their texts", () => {
  const reply = (message: string) => Object.assign(new Error(message), { name: "ReplyError" });
  const system = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });

  test.each([
    [reply("LOADING Redis is loading the dataset in memory"), "no"],
    [reply("MISCONF Redis is configured to save RDB snapshots"), "no"],
    [reply("NOREPLICAS Not enough good replicas to write."), "no"],
    [reply("CLUSTERDOWN The cluster is down"), "no"],
    [reply("MOVED 1 127.0.0.1:1"), "no"],
    [reply("NOAUTH Authentication required."), "no"],
    [reply("ERR max number of clients reached"), "no"],
    [system("ENOTFOUND", "getaddrinfo"), "no"],
    [system("ETIMEDOUT", "connect"), "no"],
    [system("ETIMEDOUT", "read"), "unknown"],
    [system("ECONNRESET", "read"), "unknown"],
    [system("EPIPE", "write"), "unknown"],
    [system("SELF_SIGNED_CERT_IN_CHAIN"), "no"],
    [system("ERR_SSL_WRONG_VERSION_NUMBER"), "no"],
    [new Error("Connection is closed."), "unknown"],
  ] as const)("%s: executed %s", (error, executed) => {
    const fault = fromRedisError(error);
    expect(fault).toMatchObject({ reason: "STORE_UNAVAILABLE", executed, cause: error });
    expect(isRedisUnavailable(error)).toBe(true);
    expect(isRedisUnavailable(fault)).toBe(true);
  });

  test.each([new TypeError("x is undefined"), reply("WRONGTYPE"), reply("__proto__"), "text", undefined])(
    "%s is a fault of ours",
    (error) => {
      expect(fromRedisError(error)).toMatchObject({ reason: "INTERNAL", executed: "unknown" });
      expect(isRedisUnavailable(error)).toBe(false);
    },
  );

  test("what the caller knows better holds, and what is known already passes", () => {
    expect(fromRedisError(new Error("Command timed out"), { executed: "no" }).executed).toBe("no");
    const known = new ToolgateError("LEASE_LOST", "gone");
    expect(fromRedisError(known)).toBe(known);
  });
});
