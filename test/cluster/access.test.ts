import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, serveToolset, type Toolgate, ToolgateError } from "../../src/index.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { startCluster } from "../support/cluster.js";
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
  const provider = await serveToolset(
    { ...lab(ledger, held), name: "leaving" },
    { nodes: cluster.nodes, key: agentKey },
  );
  const clients = await Promise.all(cluster.addresses.map((address) => connect(address, { key: agentKey })));
  try {
    await until("the toolset can be called", async () => (await admin.get("leaving")).healthy);
    const calls = clients.map((client) => reasonOf(client.invoke("leaving", "hold", {})));
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
      expect(await reasonOf(client.invoke("leaving", "sum", { a: 1, b: 2 }))).toBe("UNAUTHENTICATED");
    await until("its provider is gone", async () => !(await admin.get("leaving")).healthy);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await provider.stop().catch(() => {});
  }
});

/** What a role is from now on. */
async function role(name: string, ...rules: object[]): Promise<void> {
  await admin.documents.apply([{ kind: "role", name, body: { rules } }]);
}

const SEES = { verbs: ["discover"], toolsets: ["lab"] };
const CALLS = { verbs: ["call"], toolsets: ["lab"] };
const SERVES = { verbs: ["register"], toolsets: ["lab"] };

describe("a role that changes", () => {
  beforeAll(async () => {
    await role("changing", SEES, CALLS, SERVES);
    const key = await keyOf("keeper", "provider");
    const provider = await serveToolset(lab(ledger, held), { nodes: cluster.nodes, key });
    await until("the toolset can be called", async () => (await admin.get("lab")).healthy);
    return () => provider.stop();
  });

  test("is the next call's, on sessions that stay open", async () => {
    const key = await keyOf("caller", "changing");
    const clients = await Promise.all(cluster.addresses.map((address) => connect(address, { key })));
    const outcomes = () => Promise.all(clients.map((client) => reasonOf(client.invoke("lab", "sum", { a: 1, b: 2 }))));
    const become = (expected: string) =>
      until(`each call is ${expected}`, async () => (await outcomes()).every((outcome) => outcome === expected));
    try {
      await become("answered");
      await role("changing", SEES);
      await become("FORBIDDEN");
      await role("changing");
      await become("UNKNOWN_TOOLSET");
      await role("changing", SEES, CALLS, SERVES);
      await become("answered");
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  test("shows on watches, which begin anew", async () => {
    const key = await keyOf("watcher", "changing");
    const clients = await Promise.all(cluster.addresses.map((address) => connect(address, { key })));
    const seen = clients.map(() => [] as string[][]);
    const leaving = new AbortController();
    const watching = clients.map(async (client, index) => {
      for await (const event of client.watch({ signal: leaving.signal }))
        if (event.kind === "snapshot") seen[index]?.push(event.toolsets.map(({ name }) => name));
    });
    const see = (expected: string[]) =>
      until(`each sees [${expected}]`, () => seen.every((snapshots) => isDeepStrictEqual(snapshots.at(-1), expected)));
    try {
      await see(["lab"]);
      await role("changing", CALLS, { effect: "deny", verbs: ["discover"], toolsets: ["lab"] });
      await see([]);
      await role("changing", SEES, CALLS, SERVES);
      await see(["lab"]);
    } finally {
      leaving.abort();
      await Promise.allSettled(watching);
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  test("ends a provider that may not serve its toolset any more", async () => {
    await role("other", { verbs: ["register", "discover"], toolsets: ["bench"] });
    const provider = await serveToolset(
      { ...lab(ledger, held), name: "bench" },
      { nodes: cluster.nodes, key: await keyOf("bencher", "other") },
    );
    try {
      await until("the toolset can be called", async () => (await admin.get("bench")).healthy);
      await role("other", { verbs: ["discover"], toolsets: ["bench"] });
      expect(await provider.closed).toMatchObject({ error: { reason: "FORBIDDEN" } });
      await until("it can not", async () => !(await admin.get("bench")).healthy);
    } finally {
      await provider.stop();
    }
  });
});

test("what is open ends when its key expires", async () => {
  const { key } = await admin.access.createKey({ principal: "brief", roles: ["agent"], ttlMs: 2_000 });
  const clients = await Promise.all(cluster.addresses.map((address) => connect(address, { key })));
  const ends = clients.map((client) =>
    reasonOf(
      (async () => {
        for await (const _ of client.watch()) void _;
      })(),
    ),
  );
  expect(await Promise.all(ends)).toEqual(Array(3).fill("UNAUTHENTICATED"));
  await Promise.all(clients.map((client) => client.close()));
});

test("a registry without credentials is open, and its first one closes it for those who are in already", async () => {
  const other = await privateRedis();
  const open = await startCluster({ redis: other, config: { ...FAST, auth: "auto" } });
  try {
    const clients = await Promise.all(open.addresses.map((address) => connect(address)));
    const [first] = clients;
    if (first === undefined) throw new Error("no node");
    expect(await first.access.whoAmI()).toMatchObject({ id: "anonymous", kind: "anonymous" });
    const ends = clients.map((client) =>
      reasonOf(
        (async () => {
          for await (const _ of client.watch()) void _;
        })(),
      ),
    );
    const { key } = await first.access.createKey({ principal: "first", roles: ["admin"] });
    expect(await Promise.all(ends)).toEqual(Array(3).fill("UNAUTHENTICATED"));
    for (const client of clients) expect(await reasonOf(client.access.whoAmI())).toBe("UNAUTHENTICATED");
    for (const address of open.addresses) {
      await using known = await connect(address, { key });
      expect(await known.access.whoAmI()).toMatchObject({ id: "first", kind: "key" });
    }
    await Promise.all(clients.map((client) => client.close()));
    for (const [index] of open.addresses.entries()) {
      const events = open.output(index).map((line) => JSON.parse(line).event);
      expect(events.filter((event) => event === "access_open")).toHaveLength(1);
      expect(events.filter((event) => event === "access_closed")).toHaveLength(1);
    }
  } finally {
    await open.stop();
    await other.stop();
  }
});
