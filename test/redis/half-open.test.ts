import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { TcpProxy } from "../../tools/chaos/tcp-proxy.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

let proxy: TcpProxy;
let connections: RedisConnections;
const command = () => connections.command.masterOf("");
const lock = (): Redis => connections.locks[0]?.masterOf("") as Redis; // there is always one
beforeEach(async () => {
  proxy = new TcpProxy(() => Number(new URL(redis().url).port));
  await proxy.start();
  connections = createConnections({
    redisUrl: `redis://${proxy.address}`,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  await lock().ping();
});
afterEach(async () => {
  await connections.stop();
  await proxy.stop();
});

test("connections that swallow everything are replaced, each by itself", async () => {
  const heard: string[] = [];
  await connections.subscriber.subscribe("news", (message) => heard.push(message.toString()));
  proxy.set("swallow"); // those that are there, for ever
  proxy.set("pass"); // new ones work
  await expect(command().ping()).rejects.toThrow();
  await until("commands are answered", async () => (await command().ping()) === "PONG");
  await until("the lock's connection answers", async () => (await lock().ping()) === "PONG");
  await until("channels are heard", async () => {
    await command().spublish("news", "again");
    return heard.length > 0;
  });
});

test("a connection over which nothing happens is left alone", async () => {
  const { stream } = command();
  await until("it was asked for signs of life more than once", () => stream.bytesWritten > 0 && asked(stream) >= 3);
  expect(command().stream).toBe(stream);
});

/** How many answers of seven bytes have come since the test looked first. */
function asked(stream: { bytesRead: number }): number {
  first ??= stream.bytesRead;
  return (stream.bytesRead - first) / "+PONG\r\n".length;
}
let first: number | undefined;
