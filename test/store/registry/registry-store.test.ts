import { describe, expect, test } from "vitest";
import type { SealedContract } from "../../../src/contract/contract.js";
import { sealContract } from "../../../src/contract/seal-contract.js";
import { hashLeaseToken } from "../../../src/identity/lease-token.js";
import { type Epoch, parseToolsetName } from "../../../src/identity/names.js";
import { parseTenantName } from "../../../src/identity/tenant.js";
import { toolsetOf } from "../../../src/identity/toolset-name.js";
import { MAX_EPOCHS } from "../../../src/store/registry/decide-registration.js";
import { type Lease, releaseLease, renewLease, renewLeases } from "../../../src/store/registry/leases.js";
import { promote } from "../../../src/store/registry/promote.js";
import { type Registered, type Registration, register } from "../../../src/store/registry/register.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { unregister } from "../../../src/store/registry/unregister.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { until } from "../../support/until.js";
import {
  attach,
  changesOf,
  contractOf,
  healthOf,
  keys,
  LONG_MS,
  pong,
  recordOf,
  registrationOf,
  registryForFile,
  registryStore,
  serve,
  statesOf,
  TOOLSET,
} from "./registry-fixture.js";

expectNoLeaks();
const here = registryForFile();

const V1 = contractOf("1.0.0");
const V2 = contractOf("2.0.0", "adds better");
const sweep = () => sweepToolsets(here().registry, keys, [TOOLSET], LONG_MS);

describe("epochs", () => {
  test("the first registration is active, unhealthy, and stored with its contract", async () => {
    const { client, registry } = here();
    const { lease, state } = await register(registry, registrationOf(V1));
    expect(state).toBe("active");
    expect(await client.hget(keys.toolsets, `${TOOLSET}@${lease.epoch}`)).toBe(V1.canonicalJson);
    expect(await healthOf(client, lease.epoch)).toMatchObject({ state: "active", pong: 0, room: 0, announced: false });
    expect(await changesOf(client)).toEqual([`registered ${lease.epoch}`, `activated ${lease.epoch}`]);
  });

  test("a replica of the same contract gets the same epoch and registered_at", async () => {
    const { client, registry } = here();
    const first = await register(registry, registrationOf(V1));
    const second = await register(registry, registrationOf(V1, "p2"));
    expect(second.lease.epoch).toBe(first.lease.epoch);
    expect(second.registeredAtMs).toBe(first.registeredAtMs);
    expect((await recordOf(client))?.epochs).toHaveLength(1);
  });

  test("an epoch is Redis's milliseconds, and never reused after unregistering", async () => {
    const { client, registry } = here();
    const { value, ...span } = await spanOf(client, () => register(registry, registrationOf(V1)));
    const { lease } = value;
    expectWithin(lease.epoch, span);
    // As if the clock had gone back meanwhile.
    const ahead = lease.epoch + 1_000_000;
    await client.hset(keys.epochs, TOOLSET, ahead);
    await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
    expect((await register(registry, registrationOf(V1))).lease.epoch).toBe(ahead + 1);
  });

  test("a higher version is a candidate until it ponged and has its share of the room", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1), 10);
    const next = await register(registry, registrationOf(V2, "q1"));
    expect(next.state).toBe("candidate");
    await attach(registry, next.lease, 4);
    await pong(registry, next.lease);
    expect(await statesOf(client)).toEqual({ [old.lease.epoch]: "active", [next.lease.epoch]: "candidate" });
    const more = await register(registry, registrationOf(V2, "q2"));
    await attach(registry, more.lease, 1);
    expect((await statesOf(client))[next.lease.epoch]).toBe("candidate");
    const takeover = await spanOf(client, () => pong(registry, more.lease));
    expect(await statesOf(client)).toEqual({ [old.lease.epoch]: "retiring", [next.lease.epoch]: "active" });
    expect(await changesOf(client)).toContain(`activated ${next.lease.epoch}`);
    expectWithin((await recordOf(client))?.epochs[0]?.retireAtMs, takeover, LONG_MS);
  });

  test("a candidate with room that never ponged does not take over", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1), 1);
    const next = await register(registry, registrationOf(V2, "q1"));
    await attach(registry, next.lease, 100);
    expect((await statesOf(client))[old.lease.epoch]).toBe("active");
  });

  test("activate_at sets the share", async () => {
    const { client, registry } = here();
    await serve(registry, registrationOf(V1), 10);
    const next = await serve(registry, registrationOf(V2, "q1", { activateAt: 1 }), 9);
    expect((await statesOf(client))[next.lease.epoch]).toBe("candidate");
    await attach(registry, next.lease, 10);
    expect((await statesOf(client))[next.lease.epoch]).toBe("active");
  });

  test("a candidate takes over when the active epoch has no live provider any more", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1), 10);
    const next = await serve(registry, registrationOf(V2, "q1"), 1);
    expect((await statesOf(client))[next.lease.epoch]).toBe("candidate");
    await releaseLease(registry, old.lease);
    expect((await statesOf(client))[next.lease.epoch]).toBe("active");
  });

  test("a retiring epoch goes, though a provider that ignores its time renews its lease for ever", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1, "p1", { retireAfterMs: 1 }), 1);
    const next = await serve(registry, registrationOf(V2, "q1"), 10);
    expect((await statesOf(client))[old.lease.epoch]).toBe("retiring");
    await sweepToolsets(registry, keys, [TOOLSET], LONG_MS);
    expect(Object.keys(await statesOf(client)), "its calls may still run").toHaveLength(2);
    await until("it is gone", async () => {
      await sweepToolsets(registry, keys, [TOOLSET], 1);
      return Object.keys(await statesOf(client)).length === 1;
    });
    expect(await statesOf(client)).toEqual({ [next.lease.epoch]: "active" });
    await expect(attach(registry, old.lease, 1)).rejects.toMatchObject({ metadata: { cause: "gone" } });
  });

  test("an operator promotes a candidate", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1), 10);
    const next = await register(registry, registrationOf(V2, "q1"));
    const promoted = () => promote(registry, TOOLSET, next.lease.epoch, "default/anonymous");
    await expect(promoted(), "nobody serves it: all calls would fail").rejects.toMatchObject({
      reason: "NO_HEALTHY_PROVIDER",
    });
    await attach(registry, next.lease, 1);
    await expect(promoted(), "its provider may not serve it").rejects.toMatchObject({ reason: "NO_HEALTHY_PROVIDER" });
    await pong(registry, next.lease);
    await promoted();
    expect(await statesOf(client)).toEqual({ [old.lease.epoch]: "retiring", [next.lease.epoch]: "active" });
    await expect(promote(registry, TOOLSET, next.lease.epoch, "default/anonymous")).rejects.toMatchObject({
      reason: "EPOCH_MISMATCH",
    });
  });

  test("another contract of the same or a lower version is refused with the differences, and changes nothing", async () => {
    const { client, registry } = here();
    await register(registry, registrationOf(V2));
    const before = await client.hgetall(keys.toolsets);
    const changed = contractOf("2.0.0", "adds otherwise", { type: "array" });
    await expect(register(registry, registrationOf(changed))).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
      violations: [{ description: "description differs" }, { description: 'tool "sum": payload differs' }],
    });
    await expect(register(registry, registrationOf(V1))).rejects.toMatchObject({ reason: "CONTRACT_CONFLICT" });
    expect(await client.hgetall(keys.toolsets)).toEqual(before);
  });

  test("replace rolls back to a lower version, as a new epoch", async () => {
    const { client, registry } = here();
    const newer = await serve(registry, registrationOf(V2), 10);
    const back = await serve(registry, registrationOf(V1, "q1", { replace: true }), 10);
    expect(back.lease.epoch).toBeGreaterThan(newer.lease.epoch);
    expect(await statesOf(client)).toEqual({ [newer.lease.epoch]: "retiring", [back.lease.epoch]: "active" });
  });

  test("a second candidate retires the first", async () => {
    const { client, registry } = here();
    await serve(registry, registrationOf(V1), 10);
    const second = await register(registry, registrationOf(V2, "q1"));
    const third = await register(registry, registrationOf(contractOf("3.0.0"), "r1"));
    expect(await statesOf(client)).toMatchObject({
      [second.lease.epoch]: "retiring",
      [third.lease.epoch]: "candidate",
    });
  });

  test("a retiring epoch goes with its last lease, and its stream with it", async () => {
    const { client, registry } = here();
    const old = await serve(registry, registrationOf(V1), 1);
    const next = await serve(registry, registrationOf(V2, "q1"), 10);
    await sweep();
    expect(await statesOf(client)).toMatchObject({ [old.lease.epoch]: "retiring" });
    await releaseLease(registry, old.lease);
    await sweep();
    expect(await statesOf(client)).toEqual({ [next.lease.epoch]: "active" });
    expect(await client.exists(keys.requests(TOOLSET, old.lease.epoch))).toBe(0);
    expect(await client.hget(keys.toolsets, `${TOOLSET}@${old.lease.epoch}`)).toBeNull();
    expect(await changesOf(client)).toContain(`retired ${old.lease.epoch}`);
  });

  test("a toolset without providers is unregistered after its retention, not before", async () => {
    const { client, registry } = here();
    const { lease } = await serve(registry, registrationOf(V1, "p1", { retentionMs: 1_000 }));
    await releaseLease(registry, lease);
    await sweep();
    expect(await statesOf(client)).toEqual({ [lease.epoch]: "active" });
    await until("the retention is over", async () => {
      await sweep();
      return (await recordOf(client)) === undefined;
    });
    expect((await changesOf(client)).at(-1)).toBe(`unregistered ${lease.epoch}`);
  });

  test("unregistering is fenced by the active epoch", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1));
    const wrong = (lease.epoch + 1) as Epoch; // one that is not there
    await expect(unregister(registry, TOOLSET, wrong, "default/anonymous", LONG_MS)).rejects.toMatchObject({
      reason: "EPOCH_MISMATCH",
      metadata: { epoch: String(lease.epoch) },
    });
    expect(await statesOf(client)).toEqual({ [lease.epoch]: "active" });
    await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
    expect(await recordOf(client)).toBeUndefined();
    await expect(unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS)).rejects.toMatchObject({
      reason: "UNKNOWN_TOOLSET",
    });
  });

  test("one principal owns a name", async () => {
    const { registry } = here();
    const { lease } = await register(registry, registrationOf(V1, "p1", { owner: "default/alice" }));
    await expect(register(registry, registrationOf(V2, "p2", { owner: "default/bob" }))).rejects.toMatchObject({
      reason: "NOT_OWNER",
    });
    await expect(unregister(registry, TOOLSET, lease.epoch, "default/bob", LONG_MS)).rejects.toMatchObject({
      reason: "NOT_OWNER",
    });
    await expect(promote(registry, TOOLSET, lease.epoch, "default/bob")).rejects.toMatchObject({ reason: "NOT_OWNER" });
  });

  test("a name that another principal takes over is that one's own from then on, whatever it registers", async () => {
    const { client, registry } = here();
    const owner = async () => (await recordOf(client))?.owner;
    await register(registry, registrationOf(V1)); // while the registry was open
    await serve(registry, registrationOf(V1, "p2", { owner: "default/alice" }));
    expect(await owner()).toBe("default/alice");
    const asAdministrator = { ...registrationOf(V2, "p3", { owner: "default/root" }), administers: true };
    const { lease } = await register(registry, asAdministrator);
    expect(await owner()).toBe("default/root");
    await expect(register(registry, registrationOf(V1, "p2", { owner: "default/alice" }))).rejects.toMatchObject({
      reason: "NOT_OWNER",
    });
    await attach(registry, lease, 1);
    await pong(registry, lease);
    await promote(registry, TOOLSET, lease.epoch, undefined);
    await unregister(registry, TOOLSET, lease.epoch, undefined, LONG_MS);
    expect(await recordOf(client)).toBeUndefined();
  });

  test("toolsets of the same name in two tenants are two", async () => {
    const { client, registry } = here();
    const ofTenant = (tenant: string, sealed: typeof V1) => ({
      ...registrationOf(sealed, "p1", { owner: `${tenant}/alice` }),
      toolset: toolsetOf(parseTenantName(tenant, "tenant"), sealed.contract.name),
    });
    await register(registry, registrationOf(V1, "p1", { owner: "default/alice" }));
    const acme = await register(registry, ofTenant("acme", V2));
    const beta = await register(registry, ofTenant("beta", V1));
    expect([acme, beta].map(({ state }) => state)).toEqual(["active", "active"]);
    expect(acme.lease.toolset).toBe("acme/math");
    await expect(
      unregister(registry, acme.lease.toolset, acme.lease.epoch, "beta/alice", LONG_MS),
    ).rejects.toMatchObject({
      reason: "NOT_OWNER",
    });
    await unregister(registry, beta.lease.toolset, beta.lease.epoch, "beta/alice", LONG_MS);
    const fields = (await client.hkeys(keys.toolsets)).filter((field) => !field.includes("@"));
    expect(fields.sort()).toEqual(["acme/math", "math"]);
  });

  test("simultaneous registrations of two contracts make two epochs, one after the other", async () => {
    const { client, registry } = here();
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        register(registry, registrationOf(i % 2 ? V2 : V1, `p${i}`)).catch(() => undefined),
      ),
    );
    const epochs = new Set(all.flatMap((one) => (one === undefined ? [] : [one.lease.epoch])));
    expect(epochs.size).toBe((await recordOf(client))?.epochs.length);
    const states = Object.values(await statesOf(client));
    expect(states.filter((state) => state === "active")).toHaveLength(1);
  });
});

describe("a provider's room", () => {
  const health = async ({ lease }: { readonly lease: Lease }) => healthOf(here().client, lease.epoch);
  const out = (lease: Lease, session = "") =>
    renewLeases(here().registry, LONG_MS, [{ lease, room: 0, routing: "out", session }]);

  test("counts once it has ponged; until then its epoch is pinged, and not healthy by the pongs of others", async () => {
    const { client, registry } = here();
    const silent = await register(registry, registrationOf(V1));
    const renewal = await spanOf(client, () => attach(registry, silent.lease, 10));
    expect(await health(silent)).toMatchObject({ room: 0, announced: false });
    expectWithin((await health(silent))?.live, renewal, LONG_MS);
    const other = await serve(registry, registrationOf(V1, "p2"), 7);
    expect(await health(silent)).toMatchObject({ room: 7, announced: true });
    await releaseLease(registry, other.lease);
    expect(await health(silent)).toMatchObject({ room: 0, announced: false });
    await pong(registry, silent.lease);
    expect(await health(silent)).toMatchObject({ room: 10, announced: true });
  });

  test("does not count while it is out of routing, and does again with a pong", async () => {
    const { registry } = here();
    const one = await serve(registry, registrationOf(V1), 10);
    await serve(registry, registrationOf(V1, "p2"), 7);
    await out(one.lease);
    expect(await health(one)).toMatchObject({ room: 7 });
    await attach(registry, one.lease, 10, "s2");
    expect(await health(one)).toMatchObject({ room: 7 });
    await pong(registry, one.lease);
    expect(await health(one)).toMatchObject({ room: 17 });
  });

  test("counts on while it moves to another session, whose first pong is on its way", async () => {
    const { registry } = here();
    const one = await serve(registry, registrationOf(V1), 10);
    await attach(registry, one.lease, 12, "s2");
    expect(await health(one)).toMatchObject({ room: 12, announced: true });
  });

  test("is not taken out for a session that it has left, and its session stays the one that it has", async () => {
    const { registry } = here();
    const one = await serve(registry, registrationOf(V1), 10);
    await attach(registry, one.lease, 12, "s2");
    await out(one.lease, "s1");
    expect(await health(one)).toMatchObject({ room: 12 });
    await out(one.lease, "s2");
    expect(await health(one)).toMatchObject({ room: 0 });
  });

  test("never counts again once it drains", async () => {
    const { registry } = here();
    const one = await serve(registry, registrationOf(V1), 10);
    await renewLease(registry, LONG_MS, { lease: one.lease, room: 0, routing: "drain", session: "" });
    await out(one.lease);
    await pong(registry, one.lease);
    expect(await health(one)).toMatchObject({ room: 0, announced: false });
  });
});

describe("leases", () => {
  test("are renewed although another toolset's record is damaged", async () => {
    const { client, registry } = here();
    const good = await register(registry, registrationOf(contractOf("1.0.0")));
    const sealed = sealContract({ ...contractOf("1.0.0").contract, name: parseToolsetName("bad", "name") });
    const bad = await register(registry, registrationOf(sealed));
    await client.hset(keys.toolsets, "bad", "{");
    const renewals = [bad, good].map(({ lease }) => ({ lease, room: 1, routing: "keep", session: "s1" }) as const);
    // Its own providers register anew, which mends it.
    expect(await renewLeases(registry, LONG_MS, renewals)).toMatchObject([{ kind: "lost" }, { kind: "held" }]);
    await sweepToolsets(registry, keys, [bad.lease.toolset, good.lease.toolset], LONG_MS);
  });

  test("only the holder of the token renews and releases", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1));
    const forged = { ...lease, tokenHash: hashLeaseToken("forged") };
    await expect(
      renewLease(registry, LONG_MS, { lease: forged, room: 1, routing: "keep", session: "" }),
    ).rejects.toMatchObject({ reason: "LEASE_LOST" });
    await expect(releaseLease(registry, forged)).rejects.toMatchObject({ reason: "LEASE_LOST" });
    expect(await client.zcard(keys.leases(TOOLSET, lease.epoch))).toBe(1);
  });

  test("a later incarnation takes the identity over; a late release by the old one removes nothing", async () => {
    const { client, registry } = here();
    const first = await serve(registry, registrationOf(V1));
    const second = await serve(registry, registrationOf(V1, "p1", { incarnation: "i2" }));
    const [answer] = await renewLeases(registry, LONG_MS, [
      { lease: first.lease, room: 1, routing: "keep", session: "" },
    ]);
    expect(answer).toEqual({ kind: "replaced" });
    await releaseLease(registry, first.lease);
    expect(await client.zrange(keys.leases(TOOLSET, second.lease.epoch), "0", "-1")).toEqual(["p1/i2"]);
  });

  test("an ended lease is lost once it was swept; until then its holder may renew it", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1, "p1", { leaseMs: 30 }));
    await until("the lease has ended", async () => {
      await sweep();
      return (await client.zcard(keys.leases(TOOLSET, lease.epoch))) === 0;
    });
    await expect(renewLease(registry, LONG_MS, { lease, room: 1, routing: "keep", session: "" })).rejects.toMatchObject(
      {
        reason: "LEASE_LOST",
        metadata: { cause: "lost" },
      },
    );
  });

  test("a lease on an epoch that was unregistered is gone for good; after a loss of everything it is merely lost", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1));
    await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
    const renewal = { lease, room: 1, routing: "keep", session: "" } as const;
    expect(await renewLeases(registry, LONG_MS, [renewal])).toEqual([{ kind: "unregistered" }]);
    await client.flushall();
    expect(await renewLeases(registry, LONG_MS, [renewal])).toEqual([{ kind: "lost" }]);
  });

  test("after a loss of everything it is merely lost also when another provider has registered before", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1, "p2"));
    await client.flushall();
    await until("Redis's clock has gone on", async () => {
      const [seconds, microseconds] = await client.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000) > lease.epoch;
    });
    const next = await register(registry, registrationOf(V1));
    expect(next.lease.epoch).toBeGreaterThan(lease.epoch);
    const renewal = { lease, room: 1, routing: "keep", session: "" } as const;
    expect(await renewLeases(registry, LONG_MS, [renewal])).toEqual([{ kind: "lost" }]);
    // What is unregistered from now on is gone again.
    await unregister(registry, TOOLSET, next.lease.epoch, "default/anonymous", LONG_MS);
    expect(await renewLeases(registry, LONG_MS, [{ ...renewal, lease: next.lease }])).toEqual([
      { kind: "unregistered" },
    ]);
  });
});

describe("health", () => {
  test("comes only from a pong of the epoch by the holder of a lease", async () => {
    const { client, registry } = here();
    const { lease } = await register(registry, registrationOf(V1));
    await attach(registry, lease, 5);
    expect(await changesOf(client)).not.toContain(`healthy ${lease.epoch}`);
    const other = { ...lease, epoch: (lease.epoch + 1) as Epoch }; // one that is not there
    expect(await pong(registry, other)).toBe("refused");
    expect(await pong(registry, { ...lease, incarnation: "i9" as typeof lease.incarnation })).toBe("refused"); // not the holder
    expect(await healthOf(client, lease.epoch)).toMatchObject({ pong: 0, announced: false });
    expect(await pong(registry, lease)).toBe("recorded");
    expect(await healthOf(client, lease.epoch)).toMatchObject({ announced: true, room: 5 });
    expect((await changesOf(client)).filter((change) => change === `healthy ${lease.epoch}`)).toHaveLength(1);
  });

  test("a transition is announced once, not at each pong", async () => {
    const { client, registry } = here();
    const { lease } = await serve(registry, registrationOf(V1));
    for (let i = 0; i < 5; i++) await pong(registry, lease);
    await sweep();
    expect((await changesOf(client)).filter((change) => change.startsWith("healthy"))).toHaveLength(1);
  });

  test("draining takes the provider's room out of routing at once", async () => {
    const { client, registry } = here();
    const { lease } = await serve(registry, registrationOf(V1));
    await renewLease(registry, LONG_MS, { lease, room: 0, routing: "drain", session: "" });
    expect(await healthOf(client, lease.epoch)).toMatchObject({ room: 0, announced: false });
    expect((await changesOf(client)).at(-1)).toBe(`unhealthy ${lease.epoch}`);
    // Its lease goes on: it has calls in hand.
    expect(await client.zcard(keys.leases(TOOLSET, lease.epoch))).toBe(1);
  });

  test("an old pong makes it unhealthy, and a sweep says so once", async () => {
    const { client } = here();
    const brief = registryStore(client, 50);
    const { lease } = await serve(brief, registrationOf(V1));
    await until("the pong is too old", async () => {
      await sweepToolsets(brief, keys, [TOOLSET], LONG_MS);
      return (await changesOf(client)).includes(`unhealthy ${lease.epoch}`);
    });
    await sweepToolsets(brief, keys, [TOOLSET], LONG_MS);
    expect((await changesOf(client)).filter((change) => change.startsWith("unhealthy"))).toHaveLength(1);
  });

  test("every key that is not bounded otherwise has an expiry", async () => {
    const { client, registry } = here();
    await serve(registry, registrationOf(V1));
    await serve(registry, registrationOf(V2, "q1"));
    await expectKeysToExpire(client);
    expect(
      await client.pttl(keys.leases(TOOLSET, (await recordOf(client))?.epochs[0]?.epoch ?? (1 as Epoch))),
    ).toBeGreaterThan(0);
  });
});

describe("a registry that has as many toolsets as it may", () => {
  const of = (sealed: SealedContract, more: Partial<Registration> = {}): Registration => ({
    ...registrationOf(sealed),
    maxToolsets: 2,
    ...more,
  });
  const named = (name: string) => sealContract({ ...V1.contract, name: parseToolsetName(name, "name") });

  test("refuses another name, says what to set, and writes nothing", async () => {
    const { client, registry } = here();
    await register(registry, of(V1));
    await register(registry, of(named("other")));
    await expect(register(registry, of(named("third")))).rejects.toMatchObject({
      reason: "LIMIT_EXCEEDED",
      executed: "no",
      retryAfterMs: 5_000,
      message: expect.stringMatching(/\(2\); unregister some, or raise TOOLGATE_MAX_TOOLSETS/),
    });
    expect(await client.hkeys(keys.toolsets)).toHaveLength(4);
    expect(await client.keys("*third*")).toEqual([]);
    expect(await client.hexists(keys.epochs, "third")).toBe(0);
  });

  test("takes replicas and new contracts of those that it has, however many epochs they have, and another when one has gone", async () => {
    const { registry } = here();
    await register(registry, of(V1));
    const { lease } = await register(registry, of(named("other")));
    expect((await register(registry, of(V1))).state).toBe("active");
    for (const version of ["2.0.0", "3.0.0"]) {
      expect((await register(registry, of(contractOf(version)))).state).toBe("candidate");
      await expect(register(registry, of(named("third")))).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED" });
    }
    await unregister(registry, lease.toolset, lease.epoch, "default/anonymous", LONG_MS);
    expect((await register(registry, of(named("third")))).state).toBe("active");
  });

  test("counts those of other shards, too", async () => {
    const { registry } = here();
    await expect(register(registry, of(V1, { toolsetsElsewhere: 2 }))).rejects.toMatchObject({
      reason: "LIMIT_EXCEEDED",
    });
    expect((await register(registry, of(V1, { toolsetsElsewhere: 1 }))).state).toBe("active");
  });

  test("has room for one whose record Redis has lost, and not its epochs", async () => {
    const { client, registry } = here();
    await register(registry, of(V1));
    await register(registry, of(named("other")));
    await client.hdel(keys.toolsets, "other");
    expect((await register(registry, of(named("other")))).state).toBe("active");
  });
});

test("a toolset whose contract is replaced again and again is refused more of them, until providers have left", async () => {
  const { registry } = here();
  const registered: Registered[] = [];
  for (let i = 0; i < MAX_EPOCHS; i++)
    registered.push(await register(registry, registrationOf(contractOf(`1.0.${i}`, String(i)), `p${i}`)));
  await expect(register(registry, registrationOf(contractOf("2.0.0", "more")))).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    executed: "no",
    retryAfterMs: 5_000,
  });
  const [, second] = registered;
  if (second === undefined) throw new Error("there are that many");
  await releaseLease(registry, second.lease);
  await sweep();
  expect((await register(registry, registrationOf(contractOf("2.0.0", "more")))).state).toBe("candidate");
});
