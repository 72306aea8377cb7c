import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections } from "../../src/redis/connections.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

/**
 * A server that says as often as is asked for that it loads its file for another hour, and then that it has. A real one's guess
 * depends on how fast the machine reads.
 */
async function loadingServer(answersWhileLoading: number) {
  let asked = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (bytes) => {
      // Each command is an array of bulk strings; its name is the first of them.
      for (const [, name] of bytes.toString("latin1").matchAll(/\*\d+\r\n\$\d+\r\n([^\r]+)\r\n/g)) {
        if (name?.toLowerCase() === "hello") socket.write("-ERR unknown command 'HELLO'\r\n");
        else if (name?.toLowerCase() !== "info") socket.write("+OK\r\n");
        else {
          const text = asked++ < answersWhileLoading ? "loading:1\r\nloading_eta_seconds:3600\r\n" : "loading:0\r\n";
          socket.write(`$${text.length}\r\n${text}\r\n`);
        }
      }
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("a server that loads its file is asked again soon, however long it expects to take", async () => {
  const server = await loadingServer(3);
  const connections = createConnections({
    redisUrl: server.url,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  try {
    const started = connections.start();
    started.catch(() => {});
    // ioredis by itself would ask again after the time that the server expects, or after ten seconds.
    await until("it is found to have loaded", () => server.asked() > 3, { withinMs: 9_000 });
    await started;
    expect(connections.ready()).toBe(true);
  } finally {
    await connections.stop();
    server.stop();
  }
});
