import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, serveToolset, type Toolgate, ToolgateError } from "../../src/index.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, lab } from "./tools.js";

/*
 * Who may come in to a cluster: three nodes, on which nobody may ask anything without a credential.
 */

expectNoLeaks();

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
const ledger: Ledger = { runs: [] };
const held: Gate = gate();

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, config: FAST });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
});
afterAll(async () => {
  held.open();
  await admin?.close();
  await cluster?.stop();
  await redis?.stop();
});

/** A key of a principal that has these roles. */
async function keyOf(principal: string, ...roles: string[]): Promise<string> {
  return (await admin.access.createKey({ principal, roles })).key;
}

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof ToolgateError ? error.reason : String(error)),
  );

test("the bootstrap key's principal administers, on every node", async () => {
  for (const address of cluster.addresses) {
    await using client = await connect(address, { key: cluster.adminKey });
    expect(await client.access.whoAmI()).toMatchObject({
      tenant: "default",
      id: "bootstrap",
      kind: "key",
      roles: ["admin", "cluster-admin"],
    });
  }
});

test("a key that is revoked ends its session, provider, watch and follow on every node", async () => {
  const agentKey = await keyOf("leaver", "agent", "provider", "operator");
  const provider = await serveToolset(lab(ledger, held), { nodes: cluster.nodes, key: agentKey });
  const clients = await Promise.all(cluster.addresses.map((address) => connect(address, { key: agentKey })));
  try {
    await until("the toolset can be called", async () => (await admin.get("lab")).healthy);
    const calls = clients.map((client) => reasonOf(client.invoke("lab", "hold", {})));
    const watches = clients.map((client) =>
      reasonOf(
        (async () => {
          for await (const _ of client.watch()) void _;
        })(),
      ),
    );
    await until("they run", () => ledger.runs.length === 3);
    await admin.access.revokeKey({ principal: "leaver" });
    expect(await Promise.all(watches)).toEqual(Array(3).fill("UNAUTHENTICATED"));
    expect(await Promise.all(calls)).toEqual(Array(3).fill("UNAUTHENTICATED"));
    for (const client of clients)
      expect(await reasonOf(client.invoke("lab", "sum", { a: 1, b: 2 }))).toBe("UNAUTHENTICATED");
    await until("its provider is gone", async () => !(await admin.get("lab")).healthy);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await provider.stop().catch(() => {});
  }
});
