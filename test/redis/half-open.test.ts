import { afterEach, beforeEach, expect, test } from "vitest";
import { TcpProxy } from "../../cmd/chaos/tcp-proxy.js";
import { SILENT_LOGGER } from "../../src/log/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

let proxy: TcpProxy;
let connections: RedisConnections;
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
  await connections.lock.ping();
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
  await expect(connections.command.ping()).rejects.toThrow();
  await until("commands are answered", async () => (await connections.command.ping()) === "PONG");
  await until("the lock's connection answers", async () => (await connections.lock.ping()) === "PONG");
  await until("channels are heard", async () => {
    await connections.command.publish("news", "again");
    return heard.length > 0;
  });
});

test("a connection over which nothing happens is left alone", async () => {
  const { stream } = connections.command;
  await until("it was asked for signs of life more than once", () => stream.bytesWritten > 0 && asked(stream) >= 3);
  expect(connections.command.stream).toBe(stream);
});

/** How many answers of seven bytes have come since the test looked first. */
function asked(stream: { bytesRead: number }): number {
  first ??= stream.bytesRead;
  return (stream.bytesRead - first) / "+PONG\r\n".length;
}
let first: number | undefined;
