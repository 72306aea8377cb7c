import { beforeEach, describe, expect, test } from "vitest";
import { sealContract } from "../../../src/contract/seal-contract.js";
import { type Epoch, parseToolsetName } from "../../../src/identity/names.js";
import { releaseLease, renewLeases } from "../../../src/store/registry/leases.js";
import { type Registered, register } from "../../../src/store/registry/register.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { unregister } from "../../../src/store/registry/unregister.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { storedToolset } from "../../support/stored-values.js";
import {
  changesOf,
  contractOf,
  healthOf,
  keys,
  LONG_MS,
  pong,
  registrationOf,
  registryForFile,
  serve,
  statesOf,
  TOOLSET,
} from "./registry-fixture.js";

expectNoLeaks();
const here = registryForFile();
let provider: Registered;
beforeEach(async () => {
  provider = await serve(here().registry, registrationOf(contractOf("1.0.0")), 7);
});

const renew = async ({ lease }: Registered) =>
  (await renewLeases(here().registry, LONG_MS, [{ lease, room: 0, routing: "keep", session: "" }]))[0]?.kind;

describe.each([
  ["lost", () => here().client.del(keys.health)],
  ["damaged", () => here().client.hset(keys.health, `${TOOLSET}@${provider.lease.epoch}`, "x")],
])("health that was %s", (_, damage) => {
  test("comes back from the leases with a renewal, and is good again with the next pong", async () => {
    const { client, registry } = here();
    await damage();
    expect(await renew(provider)).toBe("held");
    expect(await healthOf(client, provider.lease.epoch)).toMatchObject({ state: "active", pong: 0, room: 7 });
    await pong(registry, provider.lease);
    expect((await healthOf(client, provider.lease.epoch))?.announced).toBe(true);
  });
  test("comes back with a pong alone", async () => {
    const { client, registry } = here();
    await damage();
    expect(await pong(registry, provider.lease)).toBe("recorded");
    expect(await healthOf(client, provider.lease.epoch)).toMatchObject({ room: 7, announced: true });
  });
});

test("a registration that was lost makes each of its providers register anew, whoever comes first", async () => {
  const { client, registry } = here();
  const second = await serve(registry, registrationOf(contractOf("1.0.0"), "p2"), 7);
  await client.del(keys.toolsets);
  expect(await renew(provider)).toBe("lost");
  const again = await register(registry, registrationOf(contractOf("1.0.0")));
  expect(again.lease.epoch).toBeGreaterThan(provider.lease.epoch);
  expect(await renew(second), "its epoch was not unregistered").toBe("lost");
  const joined = await register(registry, registrationOf(contractOf("1.0.0"), "p2"));
  expect(joined.lease.epoch).toBe(again.lease.epoch);
  expect(await renew(joined)).toBe("held");
  expect(await statesOf(client)).toEqual({ [again.lease.epoch]: "active" });
  expect(await client.hkeys(keys.health)).toEqual([`${TOOLSET}@${again.lease.epoch}`]);
});

test("a contract that was lost is there again when its providers have registered anew", async () => {
  const { client, registry } = here();
  await client.hdel(keys.toolsets, `${TOOLSET}@${provider.lease.epoch}`);
  expect(await renew(provider)).toBe("lost");
  const again = await register(registry, registrationOf(contractOf("1.0.0")));
  expect(again.lease.epoch).toBe(provider.lease.epoch);
  expect(await renew(again)).toBe("held");
});

describe.each([
  ["no JSON", "x"],
  ["no text", "\0\u00ff"],
  ["no record", "{}"],
  ["of no epochs", storedToolset(TOOLSET, [], { epochs: 5 })],
  ["of an epoch of nothing", storedToolset(TOOLSET, [], { epochs: [{}] })],
  ["of an epoch of no digest", storedToolset(TOOLSET, [{ epoch: 1, digest: "x" }])],
  ["empty", ""],
  [
    "JSON for a node, and none for its scripts",
    storedToolset(TOOLSET, [{ epoch: 1, digest: contractOf("1.0.0").digest }], { more: "\ud800" }),
  ],
])("a record that is %s", (_, text) => {
  beforeEach(() => here().client.hset(keys.toolsets, TOOLSET, text));

  test("is mended by registering it: a new epoch above all before, of which nothing but it is left, and what was there set aside", async () => {
    const { client, registry } = here();
    const ahead = provider.lease.epoch + 1_000_000;
    await client.hset(keys.health, `${TOOLSET}@${ahead}`, "x"); // as if the clock had gone back, and its entry were lost
    const again = await register(registry, registrationOf(contractOf("1.0.0")));
    expect(again.state).toBe("active");
    expect(again.lease.epoch).toBe(ahead + 1);
    expect(await statesOf(client)).toEqual({ [again.lease.epoch]: "active" });
    expect(await client.hkeys(keys.health)).toEqual([`${TOOLSET}@${again.lease.epoch}`]);
    expect(await client.get(keys.damaged(`toolset:${TOOLSET}`))).toBe(text);
    expect(await client.pttl(keys.damaged(`toolset:${TOOLSET}`))).toBeGreaterThan(0);
    expect((await changesOf(client)).slice(-2)).toEqual([
      `registered ${again.lease.epoch}`,
      `activated ${again.lease.epoch}`,
    ]);
  });
  test("makes its providers register anew, and only the first of them makes an epoch", async () => {
    const { registry } = here();
    expect(await renew(provider)).toBe("lost");
    const again = await register(registry, registrationOf(contractOf("1.0.0")));
    expect(await renew(provider), "its epoch is none any more").toBe("lost");
    const second = await register(registry, registrationOf(contractOf("1.0.0"), "p2"));
    expect(second.lease.epoch).toBe(again.lease.epoch);
    expect(await renew(second)).toBe("held");
  });
  test("is removed by unregistering it with any epoch", async () => {
    const { client, registry } = here();
    await unregister(registry, TOOLSET, 1 as Epoch, "default/anonymous", 1_000);
    expect(await client.hkeys(keys.toolsets)).toEqual([]);
    expect(await client.hkeys(keys.health)).toEqual([]);
    expect((await register(registry, registrationOf(contractOf("1.0.0")))).state).toBe("active");
  });
});

test("a record of an epoch of nothing does not keep other toolsets from being swept", async () => {
  const { client, registry } = here();
  const other = parseToolsetName("other", "name");
  const sealed = sealContract({ ...contractOf("1.0.0").contract, name: other });
  const { lease } = await serve(registry, registrationOf(sealed, "p1", { retentionMs: -LONG_MS }), 7); // over at once
  await releaseLease(registry, lease);
  await client.hset(keys.toolsets, TOOLSET, storedToolset(TOOLSET, [], { epochs: [{}] }));
  await client.del(keys.leases(other, lease.epoch));
  await sweepToolsets(registry, keys, [TOOLSET, other], LONG_MS);
  expect(await client.hget(keys.toolsets, other)).toBeNull();
});

test("a contract that is damaged is there again when one of its providers has registered anew, and all nodes hear of it", async () => {
  const { client, registry } = here();
  const field = `${TOOLSET}@${provider.lease.epoch}`;
  await client.hset(keys.toolsets, field, "{");
  await register(registry, registrationOf(contractOf("1.0.0"), "p2"));
  expect(await client.hget(keys.toolsets, field)).toBe(contractOf("1.0.0").canonicalJson);
  expect((await changesOf(client)).at(-1)).toBe(`registered ${provider.lease.epoch}`);
});

test("a contract that is damaged is in the way of no other one", async () => {
  const { client, registry } = here();
  await client.hset(keys.toolsets, `${TOOLSET}@${provider.lease.epoch}`, "{");
  await expect(register(registry, registrationOf(contractOf("1.0.0", "other")))).rejects.toMatchObject({
    reason: "CONTRACT_CONFLICT",
    message: expect.stringContaining("lost or damaged"),
  });
  expect((await register(registry, registrationOf(contractOf("1.1.0")))).state).toBe("candidate");
});

test("a damaged record is mended and removed by its owner", async () => {
  const { client, registry } = here();
  const spoil = async () => {
    const json = (await client.hget(keys.toolsets, TOOLSET)) ?? "";
    expect(json).toContain('"generation":');
    await client.hset(keys.toolsets, TOOLSET, json.replace(/"generation":\d+/, '"generation":"x"'));
  };
  await spoil();
  expect((await register(registry, registrationOf(contractOf("1.0.0")))).state).toBe("active");
  await spoil();
  await unregister(registry, TOOLSET, 1 as Epoch, "default/anonymous", 1_000);
  expect(await client.hexists(keys.toolsets, TOOLSET)).toBe(0);
});

test("a damaged record is still its owner's", async () => {
  const { client, registry } = here();
  await client.hset(keys.toolsets, TOOLSET, '{"owner":"default/other","epochs":');
  await expect(register(registry, registrationOf(contractOf("1.0.0")))).rejects.toMatchObject({ reason: "NOT_OWNER" });
  await expect(unregister(registry, TOOLSET, 1 as Epoch, "default/anonymous", 1_000)).rejects.toMatchObject({
    reason: "NOT_OWNER",
  });
});

describe.each(["leases", "providers", "requests"] as const)("what is no set of %s where one belongs", (what) => {
  const other = parseToolsetName("other", "name");
  async function spoilt(): Promise<Registered> {
    const { client, registry } = here();
    const neighbour = await serve(
      registry,
      registrationOf(sealContract({ ...contractOf("1.0.0").contract, name: other })),
      7,
    );
    const key = keys[what](TOOLSET, provider.lease.epoch);
    await client.multi().del(key).set(key, "x").exec();
    return neighbour;
  }
  /** It is kept for a day. */
  async function expectAside(): Promise<void> {
    const { client } = here();
    const aside = keys.damaged(`${what}:${TOOLSET}:${provider.lease.epoch}`);
    expect(await client.get(aside)).toBe("x");
    expect(await client.pttl(aside)).toBeGreaterThan(0);
  }

  test("does not keep the providers of other toolsets from being renewed, and its own register anew at worst", async () => {
    const { registry } = here();
    const neighbour = await spoilt();
    const renewals = [provider, neighbour].map(
      ({ lease }) => ({ lease, room: 0, routing: "keep", session: "" }) as const,
    );
    const [own, next] = await renewLeases(registry, LONG_MS, renewals);
    expect(next?.kind).toBe("held");
    expect(own?.kind).toBe(what === "providers" ? "lost" : "held");
    await expectAside();
    expect(await renew(await register(registry, registrationOf(contractOf("1.0.0"))))).toBe("held");
  });
  test("does not keep other toolsets from being swept", async () => {
    await spoilt();
    await sweepToolsets(here().registry, keys, [TOOLSET, other], LONG_MS);
    await expectAside();
  });
});
