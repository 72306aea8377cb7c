import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../src/index.js";
import { parseAddresses } from "../../src/sdk/addresses.js";
import { Nodes } from "../../src/sdk/nodes.js";
import { SYSTEM_TIMING } from "../../src/sdk/timing.js";
import { expectNoLeaks } from "../support/leaks.js";
import { ScriptedNode } from "./scripted-gateway.js";

expectNoLeaks();

let servers: ScriptedNode[] = [];
let nodes: Nodes;
/** What the monotonic clock says; the test moves it. */
let nowMs = 0;
const signal = new AbortController().signal;

beforeEach(async () => {
  servers = [await ScriptedNode.start(), await ScriptedNode.start(), await ScriptedNode.start()];
  nowMs = 0;
  nodes = nodesFrom(0);
});

afterEach(() => {
  nodes.close();
  for (const server of servers) server.kill();
});

const addresses = () => servers.map(({ address }) => address);
const timing = (random: number) => ({ monotonicMs: () => nowMs, random: () => random });
const nodesFrom = (random: number) => new Nodes(addresses(), undefined, timing(random));
const acquire = (giveUpAtMs = Number.POSITIVE_INFINITY) => nodes.acquire({ signal, giveUpAtMs });

describe("nodes", () => {
  test("start anywhere, by chance", () => {
    expect([0, 0.4, 0.99].map((random) => nodesFrom(random).current)).toEqual(addresses());
  });

  test("stay with one while it answers", async () => {
    for (let count = 0; count < 3; count++) expect((await acquire()).address).toBe(addresses()[0]);
  });

  test("move on in turn when one fails, and do not run back", async () => {
    nodes.failed(await acquire(), "lost");
    expect((await acquire()).address).toBe(addresses()[1]);
    nowMs = 100_000;
    expect((await acquire()).address).toBe(addresses()[1]);
    nodes.failed(await acquire(), "lost");
    expect((await acquire()).address).toBe(addresses()[2]);
    nodes.failed(await acquire(), "lost");
    nowMs += 100;
    expect((await acquire()).address).toBe(addresses()[2]); // the current one first, once it may be tried again
  });

  test("leave a failing one alone for longer and longer, until it answers", async () => {
    const only = addresses().slice(0, 1);
    nodes = new Nodes(only, undefined, timing(0));
    const restsUntil = async (ms: number) => {
      await expect(acquire(ms - 1)).rejects.toMatchObject({ reason: "NODE_UNREACHABLE" });
      nowMs = ms;
      return await acquire();
    };
    const node = await acquire();
    nodes.failed(node, "lost");
    nodes.failed(node, "lost"); // of the same incident
    await restsUntil(25); // half of 50: chance is 0
    nodes.failed(node, "lost");
    await restsUntil(75);
    nodes.succeeded(node);
    nodes.failed(node, "lost");
    await restsUntil(100);
  });

  test("say of each what it failed with", async () => {
    for (const server of servers) server.kill();
    nodes = new Nodes(addresses(), undefined, SYSTEM_TIMING);
    const error = await acquire(performance.now() + 2000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "NODE_UNREACHABLE", executed: "no" });
    for (const address of addresses()) expect(String(error)).toContain(`${address} (connect ECONNREFUSED`);
  });

  test("say what one failed with, also when the caller's time ends during the next attempt", async () => {
    const [only] = servers;
    if (only === undefined) throw new Error("No server was started.");
    only.kill();
    let failed = 0;
    const random = () => {
      failed += 1; // Chance is asked for once to begin with, and then for each failure.
      return 0;
    };
    nodes = new Nodes([only.address], undefined, { monotonicMs: () => nowMs, random });
    const error = acquire(45).catch((thrown: unknown) => thrown);
    await vi.waitUntil(() => failed === 2);
    const accepted: Socket[] = []; // Closed here: grpc-js keeps a connection whose handshake never ends.
    const silent = createServer((socket) => accepted.push(socket));
    try {
      silent.listen(Number(only.address.split(":").at(-1)), "127.0.0.1");
      await once(silent, "listening");
      nowMs = 25; // The rest after the first failure is over, and 20 ms are left for the second attempt.
      expect(String(await error)).toContain(`${only.address} (connect ECONNREFUSED`);
    } finally {
      for (const socket of accepted) socket.destroy();
      silent.close();
    }
  });
});

describe("addresses", () => {
  test("come as text or as a list, each once", () => {
    expect(parseAddresses(" a:1, b:2,a:1 ,")).toEqual(["a:1", "b:2"]);
    expect(parseAddresses(["[::1]:7400", "dns:///gateway.local:7400"])).toEqual([
      "[::1]:7400",
      "dns:///gateway.local:7400",
    ]);
  });
});

function opensslWorks(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.runIf(opensslWorks())("TLS", () => {
  test("takes the authority that it is given, and no other", async () => {
    const folder = mkdtempSync(join(tmpdir(), "toolgate-sdk-tls-"));
    try {
      const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
      const subject = ["-subj", "/CN=gateway.test", "-addext", "subjectAltName=DNS:gateway.test"];
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", cert, "-days", "2", ...subject], {
        stdio: "ignore",
      });
      const ca = readFileSync(cert, "utf8");
      const pair = { private_key: readFileSync(key), cert_chain: readFileSync(cert) };
      const secure = await ScriptedNode.start(0, ServerCredentials.createSsl(null, [pair]));
      servers.push(secure);
      const client = await connect(secure.address, { tls: { ca, serverName: "gateway.test" } });
      expect(await client.search("x")).toEqual([]);
      await client.close();
      const refused = (tls: Parameters<typeof connect>[1]) =>
        connect(secure.address, { connectTimeoutMs: 3_000, ...tls });
      await expect(refused({ tls: true })).rejects.toThrow(/self-signed/);
      await expect(refused({ tls: { ca } })).rejects.toThrow(/altnames|IP/);
      await expect(refused({})).rejects.toMatchObject({ reason: "NODE_UNREACHABLE" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
