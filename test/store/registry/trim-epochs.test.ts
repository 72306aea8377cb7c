import { beforeEach, expect, test } from "vitest";
import { sealContract } from "../../../src/contract/seal-contract.js";
import { type Epoch, parseToolsetName } from "../../../src/identity/names.js";
import { GONE } from "../../../src/store/registry/gone-mark.js";
import { renewLeases } from "../../../src/store/registry/leases.js";
import { register } from "../../../src/store/registry/register.js";
import { TRIM_START, trimEpochs } from "../../../src/store/registry/trim-epochs.js";
import { unregister } from "../../../src/store/registry/unregister.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { storedGone } from "../../support/stored-values.js";
import { contractOf, keys, LONG_MS, registrationOf, registryForFile, TOOLSET } from "./registry-fixture.js";

expectNoLeaks();
const here = registryForFile();
beforeEach(() => here().client.del(keys.epochs));

/** One pass over the shard. */
async function pass(rememberedMs?: number): Promise<void> {
  let from = TRIM_START;
  do from = await trimEpochs(here().registry, keys, from, rememberedMs);
  while (from !== TRIM_START);
}
/** Looks, and forgets what is gone. */
async function forget(): Promise<void> {
  await pass(0);
  await pass(0);
}
const V1 = registrationOf(contractOf("1.0.0"));
const gone = async (): Promise<Epoch> => {
  const { registry } = here();
  const { lease } = await register(registry, V1);
  await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
  return lease.epoch;
};

test("10,000 names that came and went leave one number", async () => {
  const { client, registry } = here();
  const names = Array.from({ length: 10_000 }, (_, i) => `name-${i}`);
  await client.hset(
    keys.epochs,
    Object.fromEntries(
      names.flatMap((name, i) => [
        [name, i + 1],
        [`${name}@first`, 1],
      ]),
    ),
  );
  const { lease } = await register(registry, V1);
  await forget();
  expect(await client.hgetall(keys.epochs)).toEqual({
    "@floor": "10000",
    [TOOLSET]: String(lease.epoch),
    [`${TOOLSET}@first`]: String(lease.epoch),
  });
});

test("a name that was forgotten gets a higher epoch than any before, also when Redis's clock has gone back since", async () => {
  const { client, registry } = here();
  const former = await gone();
  const ahead = former + 1_000_000; // given when the clock stood there
  await client.hset(keys.epochs, TOOLSET, ahead);
  await forget();
  expect(await client.hkeys(keys.epochs)).toEqual(["@floor"]);
  expect((await register(registry, V1)).lease.epoch).toBe(ahead + 1);
  const other = sealContract({ ...contractOf("1.0.0").contract, name: parseToolsetName("other", "name") });
  expect((await register(registry, registrationOf(other))).lease.epoch, "of whatever name").toBe(ahead + 1);
});

test("the floor never sinks", async () => {
  const { client } = here();
  await client.hset(keys.epochs, "high", 5_000, "@floor", 9_000);
  await forget();
  expect(await client.hgetall(keys.epochs)).toEqual({ "@floor": "9000" });
});

test("what is gone is remembered for a while, so that its providers hear that it is gone", async () => {
  const { registry } = here();
  const { lease } = await register(registry, V1);
  await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
  const renew = async () =>
    (await renewLeases(registry, LONG_MS, [{ lease, room: 0, routing: "keep", session: "" }]))[0]?.kind;
  await pass();
  await pass();
  expect(await renew()).toBe("unregistered");
  await pass(0);
  expect(await renew()).toBe("lost");
});

test("a toolset that came back is as if it had never gone", async () => {
  const { client, registry } = here();
  await gone();
  await pass(0);
  const { lease } = await register(registry, V1);
  await forget();
  expect(await client.hget(keys.epochs, TOOLSET)).toBe(String(lease.epoch));
  expect(await client.hexists(keys.epochs, `${TOOLSET}${GONE}`)).toBe(0);
  await unregister(registry, TOOLSET, lease.epoch, "default/anonymous", LONG_MS);
  await pass(0);
  expect(await client.hget(keys.epochs, TOOLSET), "it is remembered anew").toBe(String(lease.epoch));
});

test("a note of the time that a clock ahead made is made anew, and what has lost its name goes", async () => {
  const { client } = here();
  await client.hset(keys.epochs, "old", 7, `old${GONE}`, await storedGone(client, { since: 9e15, last: "7" }));
  await client.hset(keys.epochs, "lone@first", 3, `lone${GONE}`, await storedGone(client, { since: 1, last: "1" }));
  await pass(0);
  expect(Object.keys(await client.hgetall(keys.epochs)).sort()).toEqual(["old", `old${GONE}`]);
  await pass(0);
  expect(await client.hgetall(keys.epochs)).toEqual({ "@floor": "7" });
});
