import { beforeEach, describe, expect, test } from "vitest";
import type { ToolsetView } from "../../src/catalog/toolset-view.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import type { Destination } from "../../src/store/calls/admission.js";
import { readCall } from "../../src/store/calls/read-call.js";
import { settleCalls } from "../../src/store/calls/settle.js";
import { GONE } from "../../src/store/registry/gone-mark.js";
import { releaseLease } from "../../src/store/registry/leases.js";
import { Maintenance, type MaintenanceSettings } from "../../src/upkeep/maintenance.js";
import { admissionOf, admit, callStore, claimOf, complete, take } from "../store/calls/calls-fixture.js";
import {
  changesOf,
  contractOf,
  keys,
  LONG_MS,
  registrationOf,
  registryForFile,
  registryStore,
  serve,
  statesOf,
  TOOLSET,
} from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";
import { storedGone } from "../support/stored-values.js";
import { until } from "../support/until.js";
import { leaderThat, toolsetOf } from "./toolset-of.js";

expectNoLeaks();
const here = registryForFile();
let leads: boolean;
let toolsets: ToolsetView[];
let destination: Destination | undefined;
beforeEach(() => {
  leads = true;
  toolsets = [];
  destination = undefined;
});

const V1 = contractOf("1.0.0");
const V2 = contractOf("2.0.0", "better");

/** The maintenance of one node, whose copy of the catalogue is what `toolsets` says. */
function maintenance(
  healthWindowMs = LONG_MS,
  clock: MaintenanceSettings["clock"] = { nowMs: () => Date.now() },
): Maintenance {
  const { client } = here();
  return new Maintenance({
    registry: registryStore(client, healthWindowMs),
    calls: callStore(client),
    leader: leaderThat(() => leads),
    clock,
    rule: { intervalMs: LONG_MS, missed: 0 },
    toolsets: () => toolsets,
    destinationOf: async () => destination,
    lingerMs: LONG_MS,
    log: SILENT_LOGGER,
    faults: SILENT_FAULTS,
  });
}

describe("maintenance", () => {
  test("announce lost health once, whoever does them and how often", async () => {
    const { client } = here();
    const brief = registryStore(client, 30);
    const { lease } = await serve(brief, registrationOf(V1));
    toolsets = [toolsetOf(TOOLSET, { epoch: lease.epoch, liveUntilMs: Date.now() + LONG_MS })];
    const nodes = [maintenance(30), maintenance(30), maintenance(30)];
    const unhealthy = async () => (await changesOf(client)).filter((change) => change.startsWith("unhealthy"));
    await until("it was announced", async () => {
      await Promise.all(nodes.map((node) => node.run()));
      return (await unhealthy()).length > 0;
    });
    for (const node of nodes) await node.run();
    expect(await unhealthy()).toEqual([`unhealthy ${lease.epoch}`]);
  });

  test("look through the epochs of toolsets that are gone, and through all of them in turn", async () => {
    const { client } = here();
    await client.hset(keys.epochs, Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`name-${i}`, i + 1])));
    const node = maintenance();
    await until("all are marked", async () => {
      await node.run();
      return (await client.hlen(keys.epochs)) === 2_000;
    });
    // A day later.
    for (const [name, last] of Object.entries(await client.hgetall(keys.epochs))) {
      if (name.endsWith(GONE)) continue;
      await client.hset(keys.epochs, `${name}${GONE}`, await storedGone(client, { since: 1, last }));
    }
    const next = maintenance();
    await until("they are forgotten", async () => {
      await next.run();
      return (await client.hlen(keys.epochs)) === 1;
    });
    expect(await client.hgetall(keys.epochs)).toEqual({ "@floor": "1000" });
  });

  test("are nobody's but the leader's", async () => {
    const { client } = here();
    const brief = registryStore(client, 1);
    const { lease } = await serve(brief, registrationOf(V1, "p1", { retentionMs: 1 }));
    await releaseLease(brief, lease);
    toolsets = [toolsetOf(TOOLSET, { epoch: lease.epoch, liveUntilMs: 0 })];
    const late = maintenance(1);
    leads = false;
    await late.run();
    expect(await statesOf(client)).toEqual({ [lease.epoch]: "active" });
    leads = true;
    await until("its retention is over", async () => {
      await late.run();
      return Object.keys(await statesOf(client)).length === 0;
    });
    expect((await changesOf(client)).at(-1)).toBe(`unregistered ${lease.epoch}`);
    await late.run();
    expect((await changesOf(client)).filter((change) => change.startsWith("unregistered"))).toHaveLength(1);
  });

  test("forget the providers that went, and none that still holds calls", async () => {
    const { client } = here();
    const store = registryStore(client);
    const calls = callStore(client);
    const [gone, lost, there] = [
      await serve(store, registrationOf(V1, "gone")),
      await serve(store, registrationOf(V1, "lost")),
      await serve(store, registrationOf(V1, "there")),
    ];
    const { epoch } = there.lease;
    for (const { lease } of [gone, there]) {
      await admit(calls, admissionOf(lost));
      for (const call of await take(calls, lease, 1))
        await complete(calls, [{ ...claimOf(lease, call), kind: "result", reason: "", body: Buffer.from("1") }]);
    }
    await admit(calls, admissionOf(lost));
    expect(await take(calls, lost.lease, 1)).toHaveLength(1);
    for (const { lease } of [gone, lost]) await releaseLease(store, lease);
    toolsets = [toolsetOf(TOOLSET, { epoch, liveUntilMs: Date.now() + LONG_MS })];
    const consumers = async () => {
      const told = (await client.xinfo("CONSUMERS", keys.requests(TOOLSET, epoch), "providers")) as string[][]; // lists of names and values
      return told.map(([, name]) => name?.split("/")[0]).sort();
    };
    expect(await consumers()).toEqual(["gone", "lost", "there"]);
    await maintenance().run();
    expect(await consumers()).toEqual(["lost", "there"]);
    await settleCalls(calls, keys);
    await maintenance().run();
    expect(await consumers()).toEqual(["there"]);
  });

  test("let a retiring epoch go with its last lease", async () => {
    const { client } = here();
    const store = registryStore(client);
    const old = await serve(store, registrationOf(V1), 1);
    const next = await serve(store, registrationOf(V2, "q1"), 10);
    const views = (liveUntilMs: number) => [
      toolsetOf(
        TOOLSET,
        { epoch: next.lease.epoch, liveUntilMs: Date.now() + LONG_MS },
        { epoch: old.lease.epoch, state: "retiring", liveUntilMs },
      ),
    ];
    toolsets = views(Date.now() + LONG_MS);
    await maintenance().run();
    expect(await statesOf(client)).toMatchObject({ [old.lease.epoch]: "retiring" });
    await releaseLease(store, old.lease);
    toolsets = views(0);
    await maintenance().run();
    expect(await statesOf(client)).toEqual({ [next.lease.epoch]: "active" });
  });
});

describe("calls that wait in a retiring epoch that nobody serves", () => {
  async function orphaned(liveUntilMs = 0) {
    const { client } = here();
    const store = registryStore(client);
    const calls = callStore(client);
    const old = await serve(store, registrationOf(V1), 1);
    const call = admissionOf(old);
    await admit(calls, call);
    const next = await serve(store, registrationOf(V2, "q1"), 10);
    await releaseLease(store, old.lease);
    toolsets = [
      toolsetOf(
        TOOLSET,
        { epoch: next.lease.epoch, liveUntilMs: Date.now() + LONG_MS },
        { epoch: old.lease.epoch, state: "retiring", liveUntilMs },
      ),
    ];
    return { calls, old, next, call };
  }

  test("move to the active epoch where that takes them, once", async () => {
    const { calls, next, call } = await orphaned();
    destination = admissionOf(next).destination;
    await Promise.all([maintenance().run(), maintenance().run()]);
    expect(await readCall(calls, call.id, {})).toMatchObject({ state: "queued", head: { epoch: next.lease.epoch } });
    expect((await take(calls, next.lease)).map(({ id }) => id)).toEqual([call.id]);
  });

  test("end as not executed where it does not", async () => {
    const { client } = here();
    const { calls, old, next, call } = await orphaned();
    await maintenance().run();
    expect((await readCall(calls, call.id, {}))?.ending).toMatchObject({ kind: "not_executed", reason: "EPOCH_GONE" });
    await maintenance().run();
    expect(await statesOf(client)).toEqual({ [next.lease.epoch]: "active" });
    expect(await client.exists(`toolgate:{test/0}:requests:${TOOLSET}:${old.lease.epoch}`)).toBe(0);
  });

  test("are not kept waiting by another shard, whose leases are held since it is away", async () => {
    const awayAtMs = Date.now();
    const { calls, call } = await orphaned(awayAtMs + 1);
    const node = maintenance(LONG_MS, { nowMs: (of) => (of?.prefix === keys.prefix ? Date.now() : awayAtMs) });
    await until("they have ended", async () => {
      await node.run();
      return (await readCall(calls, call.id, {}))?.ending;
    });
  });

  test("stay while the node does not lead", async () => {
    const { calls, old, call } = await orphaned();
    leads = false;
    await maintenance().run();
    expect(await readCall(calls, call.id, {})).toMatchObject({ state: "queued", head: { epoch: old.lease.epoch } });
  });
});
