import { expect, test } from "vitest";
import { readCall } from "../../../src/store/calls/read-call.js";
import { restoreDeadlines } from "../../../src/store/calls/restore-deadlines.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { keys, LONG_MS, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callsForFile, claimOf, complete, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

test("deadlines that Redis has lost are found again in the calls' records, and what is left of ended calls goes", async () => {
  const { client, store, provider } = here();
  const epochs = [
    { toolset: TOOLSET, epoch: provider.lease.epoch },
    { toolset: TOOLSET, epoch: provider.lease.epoch },
  ];
  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: true });
  await restoreDeadlines(store, keys, epochs);
  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: false });

  const calls = Array.from({ length: 620 }, () => admissionOf(provider, { timeoutMs: LONG_MS }));
  const room = { destination: { ...admissionOf(provider).destination, maxBacklog: 1_000 } };
  await Promise.all(calls.map((call) => admit(store, { ...call, ...room })));
  const claimed = (await take(store, provider.lease, 5)).map(({ id }) => id);
  const before = await client.zrange(keys.due, "0", "-1", "WITHSCORES");
  const [gone] = calls.filter(({ id }) => !claimed.includes(id));
  if (gone === undefined) throw new Error("five were taken");
  await client.del(keys.call(gone.id), keys.due);
  // The next call makes the key anew, and must not hide that the others are missing.
  const late = admissionOf(provider, { ...room, timeoutMs: 1 });
  await admit(store, late);
  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: true });

  await restoreDeadlines(store, keys, epochs);
  const after = await client.zrange(keys.due, "0", "-1", "WITHSCORES");
  const pairs = (flat: string[]) => new Map(flat.flatMap((id, i) => (i % 2 === 0 ? [[id, flat[i + 1]] as const] : [])));
  const expected = pairs(before);
  expected.delete(gone.id);
  const found = pairs(after);
  found.delete(late.id);
  expect(found).toEqual(expected);
  expect(await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))).toBeLessThanOrEqual(620);
  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: false });
  expect((await readCall(store, late.id, {}))?.ending).toMatchObject({ kind: "not_executed" });
});

test("what is no set of deadlines is set aside, and calls come to their ends", async () => {
  const { client, store, provider } = here();
  const [call, waiting] = [admissionOf(provider), admissionOf(provider)];
  await admit(store, call);
  const [taken] = await take(store, provider.lease);
  if (taken === undefined) throw new Error("one waited");
  await admit(store, waiting);
  await client.multi().del(keys.due).set(keys.due, "x").exec();
  const completion = { ...claimOf(provider.lease, taken), kind: "result", reason: "", body: Buffer.from("3") } as const;
  expect(await complete(store, [completion])).toEqual(["accepted"]);

  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: true });
  await restoreDeadlines(store, keys, [{ toolset: TOOLSET, epoch: provider.lease.epoch }]);
  expect(await settleCalls(store, keys)).toMatchObject({ deadlinesLost: false });
  const reading = await readCall(store, waiting.id, {});
  expect(Number(await client.zscore(keys.due, waiting.id))).toBe(reading?.head.deadlineMs);
  expect(await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))).toBe(1);
  expect(await client.pttl(keys.damaged("due"))).toBeGreaterThan(0);
});
