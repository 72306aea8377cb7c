import { describe, expect, test } from "vitest";
import { getDeadCall, listDeadCalls, purgeDeadCalls } from "../../../src/store/calls/dead-calls.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { mendKeys } from "../../../src/store/mend-keys.js";
import { renewLeases } from "../../../src/store/registry/leases.js";
import { recordPongs } from "../../../src/store/registry/pongs.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { TRIM_START, trimEpochs } from "../../../src/store/registry/trim-epochs.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { admissionOf, admit, beginToServe, callsForFile, type TestCalls } from "../calls/calls-fixture.js";
import { contractOf, keys, LONG_MS, registrationOf, serve, TOOLSET } from "./registry-fixture.js";

expectNoLeaks();
const here = callsForFile();

const spoil = (key: string) => here().client.multi().del(key).set(key, "x").exec();

const ACTS: Readonly<Record<string, (given: TestCalls) => Promise<unknown>>> = {
  registering: ({ registry }) => serve(registry, registrationOf(contractOf("1.0.0"))),
  renewing: ({ registry, provider: { lease } }) =>
    renewLeases(registry, LONG_MS, [{ lease, room: 1, routing: "keep", session: "s1" }]),
  ponging: ({ registry, provider }) => recordPongs(registry, keys, [provider.lease]),
  sweeping: ({ registry }) => sweepToolsets(registry, keys, [TOOLSET], LONG_MS),
  trimming: ({ registry }) => trimEpochs(registry, keys, TRIM_START),
  admitting: ({ store, provider }) => admit(store, admissionOf(provider)),
  settling: ({ store }) => settleCalls(store, keys),
  "starting a node": ({ client }) => mendKeys(client, [keys]),
};

describe.each(["toolsets", "health", "changes", "epochs"] as const)(
  "what is of another type in the place of %s",
  (name) => {
    test.each(Object.entries(ACTS))("is no fault of %s", async (_, act) => {
      const { client, registry, store } = here();
      await spoil(keys[name]);
      await act(here());
      await settleCalls(store, keys);
      expect(await client.get(keys.damaged(name))).toBe("x");
      // What its provider does when it hears that its lease is lost.
      const provider = await beginToServe(registry);
      expect(await admit(store, admissionOf(provider))).toMatchObject({ kind: "admitted" });
      await expectKeysToExpire(client);
    });
  },
);

test("what is of another type in the place of dead calls holds none", async () => {
  const { store } = here();
  await spoil(keys.dead(TOOLSET));
  expect(await listDeadCalls(store, TOOLSET, "", 10)).toEqual([]);
  expect(await getDeadCall(store, TOOLSET, "1-1")).toBeUndefined();
  expect(await purgeDeadCalls(store, TOOLSET, ["1-1"])).toBe(0);
  expect(await purgeDeadCalls(store, TOOLSET, [])).toBe(0);
});
