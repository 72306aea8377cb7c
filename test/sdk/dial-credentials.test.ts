import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { unary } from "../../src/front/services/methods.js";
import { Node } from "../../src/sdk/remote-node.js";
import { echoServer } from "../front/grpc/echo-server.js";
import { expectNoLeaks } from "../support/leaks.js";
import { opensslWorks, selfSignedIn } from "../support/self-signed.js";
import { until } from "../support/until.js";
import { ScriptedNode } from "./scripted-gateway.js";

expectNoLeaks();

const signal = new AbortController().signal;
const OPTIONS = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };

/** A host that takes connections and says nothing, as one does whose process is frozen. */
async function frozenHost(create: (onConnection: (socket: Socket) => void) => Server = createServer) {
  const open = new Set<Socket>();
  let accepted = 0;
  const server = create((socket) => {
    accepted++;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => {}); // or its end is not seen
    socket.once("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    accepted: () => accepted,
    open: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test.each<[string, ChannelCredentials]>([
  ["plain", credentials.createInsecure()],
  ["TLS", credentials.createSsl()],
])("a host that accepts and says nothing costs no socket for each attempt, %s", async (_, creds) => {
  await using host = await frozenHost();
  const node = new Node(host.address, creds, OPTIONS);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const ready = node.ready(300, signal);
    await until("it has accepted", () => host.accepted() === attempt);
    expect(await ready).toMatchObject({ kind: "timeout" });
    await until("the attempt's socket is closed", () => host.open() === 0);
  }
  // An attempt that is under way ends with its client.
  void node.ready(60_000, signal);
  await until("it has accepted", () => host.open() === 1);
  node.close();
  await until("the last socket is closed", () => host.open() === 0);
});

test("what runs on a connection that was made goes on when its channel is let go of", async () => {
  const server = await ScriptedNode.start();
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    server.script("search", () => {
      resolve();
      return new Promise((settle) => {
        answer = () => settle({ hits: [] });
      });
    });
  });
  const node = new Node(server.address, credentials.createInsecure(), OPTIONS);
  try {
    expect(await node.ready(5_000, signal)).toEqual({ kind: "ready" });
    const answered = new Promise((resolve, reject) =>
      node.clients.catalog.search({ query: "x" }, (error, value) => (error === null ? resolve(value) : reject(error))),
    );
    await asked;
    node.close();
    answer();
    expect(await answered).toMatchObject({ hits: [] });
  } finally {
    server.kill();
  }
});

describe.runIf(opensslWorks())("where something in front of a node ends TLS", () => {
  const files = () => {
    const folder = mkdtempSync(join(tmpdir(), "toolgate-dial-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return selfSignedIn(folder, "node");
  };

  test("a node that says nothing costs no socket for each attempt", async () => {
    const { tlsCert, tlsKey } = files();
    const [cert, key] = [readFileSync(tlsCert), readFileSync(tlsKey)];
    await using host = await frozenHost((taken) => createTlsServer({ cert, key, ALPNProtocols: ["h2"] }, taken));
    const node = new Node(host.address, credentials.createSsl(cert), OPTIONS);
    for (let attempt = 1; attempt <= 2; attempt++) {
      const ready = node.ready(1_000, signal);
      await until("the handshake is over", () => host.accepted() === attempt);
      expect(await ready).toMatchObject({ kind: "timeout" });
      await until("the attempt's socket is closed", () => host.open() === 0);
    }
    node.close();
  });

  test("what runs on a connection that was made goes on when its channel is let go of", async () => {
    const paths = files();
    let answer: (() => void) | undefined;
    const CancelCall = unary(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return {};
    });
    await using echo = await echoServer({ CancelCall }, paths);
    const node = new Node(echo.address, credentials.createSsl(readFileSync(paths.tlsCert)), OPTIONS);
    expect(await node.ready(5_000, signal)).toEqual({ kind: "ready" });
    const answered = new Promise((resolve, reject) =>
      node.clients.gateway.cancelCall({}, (error, value) => (error === null ? resolve(value) : reject(error))),
    );
    await until("it is asked", () => answer !== undefined);
    node.close();
    answer?.();
    expect(await answered).toMatchObject({ state: "CALL_STATE_UNSPECIFIED", terminal: null });
  });
});
