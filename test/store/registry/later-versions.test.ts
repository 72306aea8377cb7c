import { describe, expect, test, vi } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import { parseNodeId } from "../../../src/identity/names.js";
import { releaseLease, renewLease } from "../../../src/store/registry/leases.js";
import { NodeList, type NodeListSettings, STORE_FORMAT } from "../../../src/store/registry/node-list.js";
import { requireTenancyFormat, TENANCY_FORMAT } from "../../../src/store/registry/raise-format.js";
import { register } from "../../../src/store/registry/register.js";
import { readRecord } from "../../../src/store/registry/stored-record.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { SILENT_FAULTS } from "../../support/silent-faults.js";
import { readStoredHealth, readStoredProvider, storedHealth, storedProvider } from "../../support/stored-values.js";
import { until } from "../../support/until.js";
import {
  contractOf,
  keys,
  keyspace,
  LONG_MS,
  pong,
  recordOf,
  registrationOf,
  registryForFile,
  serve,
  statesOf,
  TOOLSET,
} from "./registry-fixture.js";

expectNoLeaks();
const here = registryForFile();

const V1 = contractOf("1.0.0");
const V2 = contractOf("2.0.0", "adds better");
/** What a later version has appended. */
const MORE = " and more";

/** Serves, and changes what the scripts have stored as a later version might have done. */
async function serveGrown(change: { readonly stage?: string } = {}) {
  const { client, registry } = here();
  const { lease } = await serve(registry, registrationOf(V1, "p1"), 10);
  const { epoch } = lease;
  const field = `${TOOLSET}@${epoch}`;
  const providers = keys.providers(TOOLSET, epoch);
  const health = async () => await readStoredHealth(client, await client.hget(keys.health, field));
  const entry = async () => await readStoredProvider(client, await client.hget(providers, "p1"));
  const [was, held] = [await health(), await entry()];
  if (was === undefined || held === undefined) throw new Error("nothing is stored");
  await client.hset(keys.health, field, await storedHealth(client, { ...was, more: MORE }));
  await client.hset(providers, "p1", await storedProvider(client, { ...held, ...change, more: MORE }));
  return { lease, health, entry };
}

describe("what a later version has appended is kept", () => {
  test("to an epoch's health and a provider's entry, by renewals, pongs and sweeps", async () => {
    const { registry } = here();
    const { lease, health, entry } = await serveGrown();
    await renewLease(registry, LONG_MS, { lease, room: 7, routing: "keep", session: "" });
    expect(await health()).toMatchObject({ room: 7, more: MORE });
    expect(await entry()).toMatchObject({ room: 7, more: MORE });
    expect(await pong(registry, lease)).toBe("recorded");
    await sweepToolsets(registry, keys, [TOOLSET], LONG_MS);
    expect(await health()).toMatchObject({ room: 7, more: MORE });
    expect(await entry()).toMatchObject({ room: 7, stage: "0", more: MORE });
  });

  test("to a toolset's record and its epochs, by another registration", async () => {
    const { client, registry } = here();
    await serve(registry, registrationOf(V1, "p1"), 10);
    const record = await recordOf(client);
    const epochs = record?.epochs.map((epoch) => ({ ...epoch, region: "north", weights: { a: 0.25 } }));
    await client.hset(keys.toolsets, TOOLSET, JSON.stringify({ ...record, epochs, note: "kept", labels: ["x"] }));
    await register(registry, registrationOf(V2, "p2"));
    const now = await recordOf(client);
    expect(now).toMatchObject({ format: 1, note: "kept", labels: ["x"] });
    expect(now?.epochs).toMatchObject([
      { version: "1.0.0", region: "north", weights: { a: 0.25 } },
      { version: "2.0.0" },
    ]);
  });
});

describe("what this version does not know the word for", () => {
  test("is kept: an epoch in another state is given no new calls and is not taken for damaged", async () => {
    const { client, registry } = here();
    const { lease } = await serve(registry, registrationOf(V1, "p1"), 10);
    const record = await recordOf(client);
    const epochs = record?.epochs.map((epoch) => ({ ...epoch, state: "under_review" }));
    await client.hset(keys.toolsets, TOOLSET, JSON.stringify({ ...record, epochs }));
    await sweepToolsets(registry, keys, [TOOLSET], LONG_MS);
    await register(registry, registrationOf(V2, "p2"));
    expect(await statesOf(client)).toMatchObject({ [lease.epoch]: "under_review" });
    const read = readRecord(TOOLSET, (await client.hget(keys.toolsets, TOOLSET)) ?? "");
    expect(read).toMatchObject({
      kind: "good",
      badEpochs: [],
      record: { epochs: [{ state: "unknown" }, { state: "active" }] },
    });
    expect(await client.keys(`${keys.prefix}damaged:*`)).toEqual([]);
  });

  test("is kept without providers and calls, an epoch in another state, and goes with its toolset when the retention is over", async () => {
    const { client, registry } = here();
    const { lease } = await serve(registry, registrationOf(V1, "p1", { retireAfterMs: 1 }), 10);
    await releaseLease(registry, lease);
    const become = async (change: object) => {
      const record = await recordOf(client);
      const epochs = record?.epochs.map((epoch) => ({ ...epoch, ...change }));
      await client.hset(keys.toolsets, TOOLSET, JSON.stringify({ ...record, epochs }));
    };
    await become({ state: "under_review", retireAtMs: 1, registeredAtMs: 1 });
    for (let turn = 0; turn < 3; turn++) await sweepToolsets(registry, keys, [TOOLSET], 0);
    expect(await statesOf(client)).toEqual({ [lease.epoch]: "under_review" });
    await become({ retentionMs: 1 });
    await until("it is gone", async () => {
      await sweepToolsets(registry, keys, [TOOLSET], 0);
      return (await client.hexists(keys.toolsets, TOOLSET)) === 0;
    });
    expect(await client.hexists(keys.health, `${TOOLSET}@${lease.epoch}`)).toBe(0);
  });

  test("is kept: a provider in another stage holds its lease, and its room does not count", async () => {
    const { client, registry } = here();
    const { lease, health, entry } = await serveGrown({ stage: "7" });
    await client.hdel(keys.providers(TOOLSET, lease.epoch), "@tally"); // so that it is counted anew
    const renewed = await renewLease(registry, LONG_MS, { lease, room: 0, routing: "keep", session: "" });
    expect(renewed).toMatchObject({ kind: "held" });
    expect(await entry()).toMatchObject({ stage: "7", more: MORE });
    expect(await health()).toMatchObject({ room: 0 });
  });
});

describe("the list of nodes", () => {
  const listOf = (
    node: string,
    version: string,
    heard: Partial<Pick<NodeListSettings, "faults" | "onOutdated">> = {},
  ) =>
    new NodeList({
      ...{ redis: here().client, keyspace, node: parseNodeId(node, "node"), version },
      ...{ faults: SILENT_FAULTS, onOutdated: () => {}, ...heard },
    });

  test("has each node that lives, with its version, and forgets one that has stopped or is silent", async () => {
    const { client } = here();
    const [one, two] = [listOf("n1", "1.2.3"), listOf("n2", "1.3.0")];
    await two.start();
    await one.start();
    const both = [
      { id: "n1", version: "1.2.3" },
      { id: "n2", version: "1.3.0" },
    ];
    expect(one.nodes).toEqual(both);
    await two.stop();
    await client.hset(
      keyspace.nodesKey,
      "silent",
      "1 1000 1 1.1.0",
      "later",
      "2 9999999999999 2 9.0.0 and more",
      "odd",
      "x",
    );
    const three = listOf("n3", "1.2.3");
    await three.start();
    expect(three.nodes).toEqual([{ id: "later", version: "9.0.0" }, both[0], { id: "n3", version: "1.2.3" }]);
    await Promise.all([one.stop(), three.stop()]);
    expect(await client.hkeys(keyspace.nodesKey)).toEqual(["later"]);
  });

  test("refuses a node whose formats are older than those that the registry is kept in", async () => {
    const { client } = here();
    await client.set(keyspace.formatKey, String(STORE_FORMAT + 1));
    const late = listOf("n1", "1.2.3");
    await expect(late.start()).rejects.toMatchObject({ reason: "INVALID_CONFIG" });
    expect(await client.exists(keyspace.nodesKey)).toBe(0);
    await late.stop();
  });

  test("a registry begins in the first format, and its nodes go on when it is raised to one that all of them know", async () => {
    const { client } = here();
    const list = listOf("n1", "1.2.3", { onOutdated: () => expect.unreachable("it knows the format") });
    const other = listOf("n2", "1.2.3");
    await list.start();
    expect(await client.get(keyspace.formatKey)).toBe("1");
    await requireTenancyFormat(client, keyspace);
    expect(await client.get(keyspace.formatKey)).toBe(String(TENANCY_FORMAT));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await list.stop();
      await list.start();
      await other.start();
      vi.runOnlyPendingTimers();
    } finally {
      vi.useRealTimers();
    }
    expect(other.nodes.map(({ id }) => id)).toEqual(["n1", "n2"]);
    await requireTenancyFormat(client, keyspace);
    expect(await client.get(keyspace.formatKey)).toBe(String(TENANCY_FORMAT));
    await Promise.all([list.stop(), other.stop()]);
  });

  test("a registry is not raised while a node is listed that does not know the format; one that is silent does not count", async () => {
    const { client } = here();
    const list = listOf("n1", "1.2.3");
    await list.start();
    await client.hset(keyspace.nodesKey, "gone", "1 1000 1 0.2.0", "old", "1 9999999999999 1 0.2.0");
    await expect(requireTenancyFormat(client, keyspace)).rejects.toMatchObject({
      reason: "NODES_OUTDATED",
      message: expect.stringContaining("old (0.2.0); upgrade"),
    });
    expect(await client.get(keyspace.formatKey)).toBe("1");
    await client.hdel(keyspace.nodesKey, "old");
    await requireTenancyFormat(client, keyspace);
    expect(await client.get(keyspace.formatKey)).toBe(String(TENANCY_FORMAT));
    await list.stop();
  });

  test.each([
    [String(STORE_FORMAT + 1), "is outdated"],
    ["10000000000000000000000", "is outdated"],
    ["two", "goes on"],
    ["-2", "goes on"],
  ])("a node that runs and finds the format to be %s %s", async (format, then) => {
    const { client } = here();
    const end = deferred<[what: string, error: unknown]>();
    const list = listOf("n1", "1.2.3", {
      faults: { warn: ({ error }) => end.resolve(["goes on", error]) },
      onOutdated: (error) => end.resolve(["is outdated", error]),
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await list.start();
      await client.set(keyspace.formatKey, format);
      vi.runOnlyPendingTimers();
      expect(await end.promise).toEqual([
        then,
        expect.objectContaining({ reason: "INVALID_CONFIG", message: expect.stringContaining(`format ${format},`) }),
      ]);
    } finally {
      vi.useRealTimers();
      await list.stop();
    }
    expect(await client.exists(keyspace.nodesKey), "it is listed no more").toBe(0);
  });
});
