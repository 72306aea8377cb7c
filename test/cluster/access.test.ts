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
/** A key that every node has heard of. */
async function keyOf(principal: string, ...roles: string[]): Promise<string> {
  const { key } = await admin.access.createKey({ principal, roles });
  for (const address of cluster.addresses) {
    await until("the node has heard of the key", async () => {
      const client = await connect(address, { key });
      try {
        return (await client.access.whoAmI()).id === principal;
      } finally {
        await client.close();
      }
    });
  }
  return key;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
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

test("keys are listed with their last use, which is of all nodes", async () => {
  const { key, keyId } = await admin.access.createKey({ principal: "worker", roles: ["agent"], ttlMs: 3_600_000 });
  await admin.access.createKey({ principal: "idler", roles: ["agent"] });
  await using client = await connect(cluster.addresses[1] ?? "", { key });
  await client.access.whoAmI();
  const listed = async () => {
    const holders = await all(admin.access.listKeys());
    return new Map(holders.map((holder) => [holder.principal, holder]));
  };
  await until("the use is kept", async () => (await listed()).get("worker")?.keys[0]?.lastUsedAt !== undefined);
  const holders = await listed();
  expect([...holders.keys()]).toEqual([...holders.keys()].toSorted());
  const [used] = holders.get("worker")?.keys ?? [];
  expect(used).toMatchObject({ keyId, expiresAt: expect.any(Date) });
  expect(Math.abs((used?.lastUsedAt?.getTime() ?? 0) - (used?.createdAt.getTime() ?? 0))).toBeLessThan(60_000);
  expect(holders.get("idler")).toMatchObject({
    roles: ["agent"],
    disabled: false,
    keys: [{ keyId: expect.any(String) }],
  });
  expect(holders.get("idler")?.keys[0]).not.toHaveProperty("lastUsedAt");
  expect(JSON.stringify([...holders.values()])).not.toContain("hash");
});

describe("what has ended does not come back by a rollback", () => {
  const place = (kind: string, name: string) => ({ tenant: "default", kind, name });
  const rollback = (kind: string, name: string, revision: number) =>
    admin.documents.apply([{ ...place(kind, name), restore: revision }]);
  const revisionOf = async (kind: string, name: string) => (await admin.documents.get(place(kind, name))).revision;
  const lets = async (key: string) => {
    await using client = await connect(cluster.addresses[2] ?? "", { key });
    return await reasonOf(client.access.whoAmI());
  };

  test("a revoked key, while others and the roles do", async () => {
    const [revoked, kept] = [await keyOf("rolled", "agent"), await keyOf("rolled")];
    const before = await revisionOf("key", "rolled");
    await admin.access.revokeKey({ keyId: revoked.split("_")[2] ?? "" });
    await admin.access.createKey({ principal: "rolled", roles: ["auditor"] });
    const { outcomes } = await rollback("key", "rolled", before);
    expect(outcomes).toMatchObject([{ outcome: "changed" }]);
    expect(await lets(kept)).toBe("answered");
    expect(await lets(revoked)).toBe("UNAUTHENTICATED");
    const { body } = await admin.documents.get(place("key", "rolled"));
    expect(body).toMatchObject({ roles: ["agent"], keys: [{ id: kept.split("_")[2] }] });
  });

  test("keys of a document that was removed, nor ones that were rotated past their end", async () => {
    const key = await keyOf("removed", "agent");
    const before = await revisionOf("key", "removed");
    await admin.documents.apply([{ ...place("key", "removed"), remove: true }]);
    await rollback("key", "removed", before);
    expect((await admin.documents.get(place("key", "removed"))).body).toEqual({ roles: ["agent"], keys: [] });
    expect(await lets(key)).toBe("UNAUTHENTICATED");

    const former = await keyOf("rotated", "agent");
    const unrotated = await revisionOf("key", "rotated");
    const { formerUntil } = await admin.access.rotateKey({ principal: "rotated", overlapMs: 3_600_000 });
    await rollback("key", "rotated", unrotated);
    const { body } = await admin.documents.get(place("key", "rotated"));
    expect(body).toMatchObject({ keys: [{ id: former.split("_")[2], expiresAtMs: formerUntil.getTime() }] });
  });

  test("a former password, nor a session", async () => {
    const login = (password: string) => reasonOf(admin.access.login({ user: "eve", password }));
    await admin.access.setPassword({ user: "eve", password: "the first of all", roles: ["agent"] });
    const first = await revisionOf("user", "eve");
    await admin.access.setPassword({ user: "eve", password: "the second of all", roles: ["auditor"] });
    await rollback("user", "eve", first);
    expect(await login("the first of all")).toBe("UNAUTHENTICATED");
    const { token } = await admin.access.login({ user: "eve", password: "the second of all" });
    expect(await lets(token)).toBe("answered");
    expect((await admin.documents.get(place("user", "eve"))).body).toEqual({ roles: ["agent"] });

    const session = token.split("_")[2] ?? "";
    const opened = await revisionOf("session", session);
    {
      await using client = await connect(cluster.nodes, { key: token });
      await client.access.logout();
    }
    expect(await reasonOf(rollback("session", session, opened))).toBe("INVALID_DOCUMENT");
    await admin.documents.apply([{ ...place("user", "eve"), remove: true }]);
    expect(await reasonOf(rollback("user", "eve", first))).toBe("INVALID_DOCUMENT");
    expect(await lets(token)).toBe("UNAUTHENTICATED");
  });
});

test("the audit names the credential by which keys were made, rotated and revoked, and passwords set", async () => {
  const { keyId, key } = await admin.access.createKey({ principal: "deputy", roles: ["admin"] });
  await using deputy = await connect(cluster.nodes, { key });
  await deputy.access.createKey({ principal: "made", roles: ["agent"] });
  await deputy.access.rotateKey({ principal: "made" });
  await deputy.access.revokeKey({ principal: "made" });
  await deputy.access.setPassword({ user: "zoe", password: "correct horse battery", roles: ["agent"] });
  const changes = await all(admin.audit.query({ event: "change", principal: "default/deputy" }));
  expect(changes.map(({ credential }) => credential)).toEqual(Array(4).fill(`key/${keyId}`));
});

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
    await expect(first.access.createKey({ principal: "robot", roles: ["agent"] })).rejects.toThrow(
      "toolgate access init",
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
