import { beforeEach, describe, expect, test } from "vitest";
import { sealContract } from "../../src/contract/seal-contract.js";
import { type Epoch, parseToolsetName } from "../../src/identity/names.js";
import { releaseLease, renewLeases } from "../../src/registry/leases.js";
import { type Registered, register } from "../../src/registry/register.js";
import { sweepToolsets } from "../../src/registry/sweep.js";
import { unregister } from "../../src/registry/unregister.js";
import { expectNoLeaks } from "../support/leaks.js";
import {
  client,
  contractOf,
  healthOf,
  keys,
  LONG_MS,
  pong,
  registrationOf,
  registry,
  registryForFile,
  serve,
  statesOf,
  TOOLSET,
} from "./registry-fixture.js";

expectNoLeaks();
registryForFile();
let provider: Registered;
beforeEach(async () => {
  provider = await serve(registry, registrationOf(contractOf("1.0.0")), 7);
});

const renew = async ({ lease }: Registered) =>
  (await renewLeases(registry, LONG_MS, [{ lease, room: 0, draining: false, session: "" }]))[0]?.kind;

describe.each([
  ["lost", () => client.del(keys.health)],
  ["damaged", () => client.hset(keys.health, `${TOOLSET}@${provider.lease.epoch}`, "x")],
])("health that was %s", (_, damage) => {
  test("comes back from the leases with a renewal, and is good again with the next pong", async () => {
    await damage();
    expect(await renew(provider)).toBe("held");
    expect(await healthOf(client, provider.lease.epoch)).toMatchObject({ state: "active", pong: 0, room: 7 });
    await pong(registry, provider.lease);
    expect((await healthOf(client, provider.lease.epoch))?.announced).toBe(true);
  });
  test("comes back with a pong alone", async () => {
    await damage();
    expect(await pong(registry, provider.lease)).toBe("recorded");
    expect(await healthOf(client, provider.lease.epoch)).toMatchObject({ room: 7, announced: true });
  });
});

test("a registration that was lost makes each of its providers register anew, whoever comes first", async () => {
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
  await client.hdel(keys.toolsets, `${TOOLSET}@${provider.lease.epoch}`);
  expect(await renew(provider)).toBe("lost");
  const again = await register(registry, registrationOf(contractOf("1.0.0")));
  expect(again.lease.epoch).toBe(provider.lease.epoch);
  expect(await renew(again)).toBe("held");
});

describe.each([
  ["no JSON", "x"],
  ["no record", "{}"],
  ["of no epochs", JSON.stringify({ name: TOOLSET, owner: "default/anonymous", epochs: 5 })],
  [
    "of an epoch of nothing",
    JSON.stringify({ name: TOOLSET, owner: "default/anonymous", generation: 1, epochs: [{}] }),
  ],
])("a record that is %s", (_, text) => {
  test("is refused by Register, which says to unregister it, and that helps", async () => {
    await client.hset(keys.toolsets, TOOLSET, text);
    const registration = registrationOf(contractOf("1.0.0"));
    await expect(register(registry, registration)).rejects.toMatchObject({
      reason: "INTERNAL",
      message: expect.stringContaining("unregister it"),
    });
    await unregister(registry, TOOLSET, 1 as Epoch, "default/anonymous", 1_000); // any epoch will do
    expect(await client.hkeys(keys.toolsets)).toEqual([]);
    expect(await client.hkeys(keys.health)).toEqual([]);
    expect((await register(registry, registration)).state).toBe("active");
  });
});

test("a record of an epoch of nothing does not keep other toolsets from being swept", async () => {
  const other = parseToolsetName("other", "name");
  const sealed = sealContract({ ...contractOf("1.0.0").contract, name: other });
  const { lease } = await serve(registry, registrationOf(sealed), 7);
  await releaseLease(registry, lease);
  const record = { name: TOOLSET, owner: "default/anonymous", generation: 1, epochs: [{}] };
  await client.hset(keys.toolsets, TOOLSET, JSON.stringify(record));
  await client.del(keys.leases(other, lease.epoch));
  const brief = JSON.parse((await client.hget(keys.toolsets, other)) ?? "") as { epochs: { retentionMs: number }[] };
  for (const epoch of brief.epochs) epoch.retentionMs = -LONG_MS;
  await client.hset(keys.toolsets, other, JSON.stringify(brief));
  await sweepToolsets(registry, keys, [TOOLSET, other], LONG_MS);
  expect(await client.hget(keys.toolsets, other)).toBeNull();
});

test("a damaged record is still its owner's", async () => {
  await client.hset(keys.toolsets, TOOLSET, '{"owner":"default/other","epochs":');
  await expect(unregister(registry, TOOLSET, 1 as Epoch, "default/anonymous", 1_000)).rejects.toMatchObject({
    reason: "NOT_OWNER",
  });
});

describe.each(["leases", "providers", "requests"] as const)("what is no set of %s where one belongs", (what) => {
  const other = parseToolsetName("other", "name");
  async function spoilt(): Promise<Registered> {
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
    const aside = keys.damaged(`${what}:${TOOLSET}:${provider.lease.epoch}`);
    expect(await client.get(aside)).toBe("x");
    expect(await client.pttl(aside)).toBeGreaterThan(0);
  }

  test("does not keep the providers of other toolsets from being renewed, and its own register anew at worst", async () => {
    const neighbour = await spoilt();
    const renewals = [provider, neighbour].map(({ lease }) => ({ lease, room: 0, draining: false, session: "" }));
    const [own, next] = await renewLeases(registry, LONG_MS, renewals);
    expect(next?.kind).toBe("held");
    expect(own?.kind).toBe(what === "providers" ? "lost" : "held");
    await expectAside();
    expect(await renew(await register(registry, registrationOf(contractOf("1.0.0"))))).toBe("held");
  });
  test("does not keep other toolsets from being swept", async () => {
    await spoilt();
    await sweepToolsets(registry, keys, [TOOLSET, other], LONG_MS);
    await expectAside();
  });
});
