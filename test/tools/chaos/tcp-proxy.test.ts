import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TcpProxy } from "../../../tools/chaos/tcp-proxy.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";

expectNoLeaks();

/** An echo server, what reached it, and a proxy before it. */
let server: Server;
let served: Set<Socket>;
let arrived: string;
let proxy: TcpProxy;
let clients: Socket[];
beforeEach(async () => {
  served = new Set();
  arrived = "";
  clients = [];
  server = createServer((socket) => {
    served.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => served.delete(socket));
    socket.on("data", (bytes) => {
      arrived += bytes.toString();
      socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  proxy = new TcpProxy(() => port);
  await proxy.start();
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.stop();
  for (const socket of served) socket.destroy();
  server.close();
  await once(server, "close");
});

/** A connection through the proxy, what came back over it, and how it ended. */
function dial() {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  const seen = { text: "", closed: false };
  socket.on("data", (bytes) => {
    seen.text += bytes.toString();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    seen.closed = true;
  });
  return { socket, seen };
}

/** Goes there and back. */
async function works({ socket, seen }: ReturnType<typeof dial>, word = "hello"): Promise<void> {
  socket.write(word);
  await until(`${word} came back`, () => seen.text.endsWith(word));
}

describe("a proxy", () => {
  test("passes bytes both ways, and ends with either end", async () => {
    const one = dial();
    await works(one);
    const two = dial();
    await works(two);
    one.socket.end();
    await until("the server saw the end", () => served.size === 1);
    for (const socket of served) socket.destroy();
    await until("the client saw the end", () => two.seen.closed);
  });

  test("passes more than fits any buffer", async () => {
    const one = dial();
    const size = 8 << 20;
    one.socket.write("x".repeat(size));
    await until("all came back", () => one.seen.text.length === size);
  });

  test("that refuses resets connections, and new ones too until it passes", async () => {
    const one = dial();
    await works(one);
    proxy.set("refuse");
    await until("the connection is gone, on both sides", () => one.seen.closed && served.size === 0);
    const two = dial();
    await until("the new one is refused", () => two.seen.closed);
    proxy.set("pass");
    await works(dial());
  });

  test("that stalls delivers later what was sent meanwhile", async () => {
    const one = dial();
    await works(one);
    proxy.set("stall");
    one.socket.write("later");
    const two = dial();
    two.socket.write("new");
    await once(two.socket, "connect");
    await settled();
    expect([arrived, one.seen.text, two.seen.text]).toEqual(["hello", "hello", ""]);
    proxy.set("pass");
    await until("both came back", () => one.seen.text === "hellolater" && two.seen.text === "new");
  });

  test("that swallows leaves connections half open for ever, and only new ones work", async () => {
    const one = dial();
    await works(one);
    proxy.set("swallow");
    one.socket.write("lost");
    proxy.set("pass");
    await works(dial(), "other");
    one.socket.write("lost too");
    await settled();
    expect(one.seen).toEqual({ text: "hello", closed: false });
    expect(arrived).toBe("helloother");
    one.socket.destroy();
    await settled();
    expect(served.size).toBe(2); // the server never hears of it
  });

  test("that mutes brings everything to the server and nothing back, and resets what lost bytes", async () => {
    const one = dial();
    await works(one);
    const idle = dial();
    await works(idle, "idle");
    proxy.set("mute");
    one.socket.write("heard");
    await until("it arrived", () => arrived.endsWith("heard"));
    await settled();
    expect(one.seen.text).toBe("hello");
    proxy.set("pass");
    await until("the torn connection is reset", () => one.seen.closed);
    await works(idle, "still");
  });
});

/** Whatever was under way on loopback has come: a round trip over a connection of its own took place, twice. */
async function settled(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const address = server.address();
    const socket = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
    await once(socket, "connect");
    const before = arrived;
    socket.write("\0");
    await once(socket, "data");
    arrived = before;
    socket.end();
    await once(socket, "close");
  }
}
