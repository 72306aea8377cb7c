import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OpsClient, opsAddress } from "../../cmd/ops/ops-client.js";
import { expectNoLeaks } from "../support/leaks.js";
import { selfSignedIn } from "../support/self-signed.js";

expectNoLeaks();

const { signal } = new AbortController();

test("a listener that speaks TLS is asked by it, and gets the key only where its certificate is known", async () => {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-ops-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { tlsCert, tlsKey } = selfSignedIn(folder, "ops");
  const [cert, key] = await Promise.all([readFile(tlsCert), readFile(tlsKey)]);
  const keys: (string | undefined)[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    keys.push(request.headers.authorization);
    response.end("info\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const address = opsAddress(`https://localhost:${(server.address() as AddressInfo).port}`); // it listens on a port
  const options = { key: "tg_key_abc" };
  const knowing = new OpsClient({ nodes: ["10.0.0.5:7400"], options: { ...options, tls: { ca: cert } } }, signal);
  expect(await knowing.ask(address, { path: "/loglevel" })).toBe("info\n");
  const unknowing = new OpsClient({ nodes: ["10.0.0.5:7400"], options }, signal);
  await expect(unknowing.ask(address, { path: "/loglevel" })).rejects.toMatchObject({ reason: "NODE_UNREACHABLE" });
  expect(keys).toEqual(["Bearer tg_key_abc"]);
});

test.each([
  ["0.0.0.0:7481", "127.0.0.1:7481"],
  ["[::]:7481", "[::1]:7481"],
  ["https://0.0.0.0:7481/", "https://127.0.0.1:7481"],
  ["node-1.example:7481", "node-1.example:7481"],
])("a listener on %s is asked at %s", (listen, reached) => {
  expect(opsAddress(listen)).toBe(reached);
});

test.each(["off", "127.0.0.1:0", "http://127.0.0.1:7481", "nowhere"])("%s is no address of a listener", (given) => {
  expect(() => opsAddress(given)).toThrow(/--ops host:port/);
});
