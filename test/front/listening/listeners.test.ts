import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { route } from "../../../src/front/http/route.js";
import { unary } from "../../../src/front/services/methods.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { ask } from "../grpc/ask.js";
import { echoServer } from "../grpc/echo-server.js";
import { httpEcho } from "../http/http-echo.js";

expectNoLeaks();

/** A node has one memory and one table of files, however many ports it listens on. */

test("connections of all listeners are counted together", async () => {
  await using grpc = await echoServer({}, { maxConnections: 4, maxConnectionsPerHost: 3 });
  await using http = await httpEcho({}, {}, { listeners: grpc.listeners });
  await ask((cb) => grpc.client().callTool({}, cb as never));
  const sockets = await Promise.all([http.open(), http.open(), http.open()]);
  await until("one of them is closed", () => sockets.some(({ closed }) => closed));
  expect([grpc.listeners.connections.count, grpc.server.connections]).toEqual([3, 1]);
});

test("what is held of the peers of one listener leaves the others less", async () => {
  const MiB = 1_048_576;
  const sizes = { maxPayloadBytes: MiB, maxResultBytes: MiB, maxContractBytes: MiB, maxMessageBytes: 2 * MiB };
  await using grpc = await echoServer({}, { ...sizes, maxHeldBytesPerPeer: 4 * MiB, maxHeldBytes: 4 * MiB });
  const sink = route({
    method: "POST",
    path: "/sink",
    rpc: "Gateway/Invoke",
    operationId: "sink",
    summary: "Takes a body.",
    tag: "test",
    body: "raw",
    answers: { 200: { description: "Nothing." } },
    handle: async ({ ask: asking }) => {
      await asking.unary("Gateway/Invoke", {});
      return { status: 200 };
    },
  });
  const Invoke = unary(async () => new Promise<never>(() => {}));
  await using http = await httpEcho({ Invoke }, sizes, { listeners: grpc.listeners, routes: [sink] });
  const held: Socket[] = [];
  for (let nth = 0; nth < 3; nth++) {
    const socket = await http.open();
    socket.resume();
    held.push(socket);
    socket.write(
      `POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${1.5 * MiB}\r\n\r\n`,
    );
    socket.write("1".repeat(1.5 * MiB));
    if (nth < 2) await until("it is held", () => grpc.server.heldBytes >= (nth + 1) * 1.5 * MiB);
  }
  await Promise.any(held.map((socket) => once(socket, "close")));
  expect(grpc.server.heldBytes).toBeLessThanOrEqual(4 * MiB);
  await ask((cb) => grpc.client().callTool({}, cb as never));
});
