import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { beforeEach, describe, expect, test } from "vitest";
import { makeSeal } from "../../../src/access/audit/seal.js";
import { type AuditVerdict, verifyAudit } from "../../../src/access/audit/verify-audit.js";
import { type KeyRing, parseKeyRing } from "../../../src/access/secrets/key-ring.js";
import { TimeSlice } from "../../../src/async/time-slice.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { FAST_COMMITS } from "../../../src/redis/commits.js";
import { readAudit, readAuditState } from "../../../src/store/audit/read-audit.js";
import { tendAudit, writeSeal } from "../../../src/store/audit/seal-audit.js";
import { writeAudit } from "../../../src/store/audit/write-audit.js";
import { keys, registryForFile } from "../../store/registry/registry-fixture.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { recordOf } from "./audit-fixture.js";

expectNoLeaks();
const here = registryForFile();

const ringOf = (id: string): KeyRing => parseKeyRing(`${id} ${randomBytes(32).toString("base64url")}`, randomBytes);
let keyRing: KeyRing;
let client: Redis;
beforeEach(() => {
  keyRing = ringOf("k1");
  client = here().client;
});

/** Records in one entry. */
const write = (...tools: string[]) =>
  writeAudit(
    { redis: client, commits: FAST_COMMITS },
    keys,
    tools.map((tool) => recordOf({ tool })),
  );

/** Seals what there is. */
async function seal(ring: KeyRing | "none" = keyRing): Promise<boolean> {
  const { days, head } = await readAuditState(client, keys);
  const { day, sealedTo } = days.at(-1) ?? { day: 0, sealedTo: "" };
  const entries = await readAudit(client, keys, day, sealedTo, "+", 1_000);
  return writeSeal(
    client,
    keys,
    makeSeal(keys.prefix, day, head, sealedTo, entries, ring === "none" ? undefined : ring),
  );
}

const verify = (ring: KeyRing | undefined = keyRing): Promise<AuditVerdict> =>
  verifyAudit(
    { redis: client, shards: [keys], keyRing: ring, slice: new TimeSlice(() => performance.now()) },
    "acme" as TenantName,
    0,
    new AbortController().signal,
  );

type Entry = [id: string, fields: string[]];

/** Writes the stream anew, as one who can do anything in Redis would. */
async function rewrite(change: (entries: Entry[]) => Entry[]): Promise<void> {
  const [day] = (await readAuditState(client, keys)).days;
  const key = keys.auditDay(day?.day ?? 0);
  const entries = (await client.xrange(key, "-", "+")) as Entry[];
  await client.del(key);
  for (const [id, fields] of change(entries)) await client.xadd(key, id, ...fields);
}

/** Two seals over three entries of four records, and one that is not sealed. */
async function someAudit(): Promise<Entry[]> {
  await write("a", "b");
  await write("c");
  await seal();
  await write("d");
  await seal();
  await write("e");
  const [day] = (await readAuditState(client, keys)).days;
  return (await client.xrange(keys.auditDay(day?.day ?? 0), "-", "+")) as Entry[];
}

const isSeal = ([, [field]]: Entry): boolean => field === "seal";

test("an audit that is as it was written has no faults", async () => {
  const entries = await someAudit();
  const { records, faults, sealedUntil } = await verify();
  expect({ records, faults }).toEqual({ records: 5, faults: [] });
  expect(sealedUntil).toBe(entries[3]?.[0]);
  await expectKeysToExpire(client);
});

test("every changed byte of a sealed record is found, and its record named", async () => {
  const entries = await someAudit();
  const [id = "", [, text = ""] = []] = entries[0] ?? [];
  for (let at = 0; at < text.length; at += 7) {
    if (text[at] === "\n") continue;
    const changed = `${text.slice(0, at)}${text[at] === "x" ? "y" : "x"}${text.slice(at + 1)}`;
    await rewrite((all) => all.map((entry) => (entry[0] === id ? [id, ["records", changed]] : entry)));
    const line = at < text.indexOf("\n") ? 0 : 1;
    expect((await verify()).faults).toEqual([{ id: `${id}.0.${line}`, message: "this record was changed" }]);
  }
});

describe("named is", () => {
  test("a record that was removed", async () => {
    const entries = await someAudit();
    await rewrite((all) => all.filter((_, index) => index !== 1));
    expect((await verify()).faults).toEqual([{ id: `${entries[1]?.[0]}.0.0`, message: "this record was removed" }]);
  });

  test("a record that was taken out of an entry", async () => {
    const entries = await someAudit();
    await rewrite((all) =>
      all.map(([id, [field = "", text = ""]], index) => [
        id,
        [field, index === 0 ? text.slice(text.indexOf("\n") + 1) : text],
      ]),
    );
    expect((await verify()).faults.map(({ id, message }) => [id, message])).toEqual([
      [`${entries[0]?.[0]}.0.0`, "this record was changed"],
      [`${entries[0]?.[0]}.0.1`, "this record was removed"],
    ]);
  });

  test("a record that was added", async () => {
    const entries = await someAudit();
    const [id = "", fields = []] = entries[0] ?? [];
    const added = `${Number(id.split("-")[0]) - 1}-7`;
    await rewrite((all) => all.flatMap((entry, index): Entry[] => (index === 0 ? [[added, fields], entry] : [entry])));
    expect((await verify()).faults).toEqual([{ id: `${added}.0`, message: "this entry was added" }]);
  });

  test("records that changed places", async () => {
    const entries = await someAudit();
    await rewrite((all) =>
      all.map(([id, fields], index) => [
        id,
        index === 0 ? (all[1]?.[1] ?? []) : index === 1 ? (all[0]?.[1] ?? []) : fields,
      ]),
    );
    const ids = new Set((await verify()).faults.map(({ id }) => id.split(".")[0]));
    expect([...ids]).toEqual([entries[0]?.[0], entries[1]?.[0]]);
  });

  test("an entry that no node has written", async () => {
    const entries = await someAudit();
    await rewrite((all) => all.map(([id, fields], index) => [id, index === 1 ? ["other", fields[1] ?? ""] : fields]));
    expect((await verify()).faults).toContainEqual({
      id: `${entries[1]?.[0]}.0`,
      message: "no node has written this entry",
    });
  });

  test("a seal that was removed", async () => {
    await someAudit();
    await rewrite((all) => all.filter((entry, index) => index !== all.findIndex(isSeal) || !isSeal(entry)));
    expect((await verify()).faults.map(({ id }) => id)).toContain("seal 2.0");
  });

  test("the last seal that was removed, with what it covers", async () => {
    await someAudit();
    await rewrite((all) => all.slice(0, 3));
    expect((await verify()).faults.map(({ id }) => id)).toContain("seal 2.0");
  });

  test("a seal that was changed", async () => {
    await someAudit();
    await rewrite((all) =>
      all.map((entry) => (isSeal(entry) ? [entry[0], ["seal", (entry[1][1] ?? "").replace(/^1 2 /, "1 3 ")]] : entry)),
    );
    expect((await verify()).faults.map(({ id }) => id)).toContain("seal 3.0");
  });

  test("a chain that was made anew, by who has no key", async () => {
    await someAudit();
    await rewrite((all) =>
      all
        .filter((entry) => !isSeal(entry))
        .map(([id, fields], index) => [
          id,
          index === 0 ? fields.map((text) => text.replaceAll("agent", "other")) : fields,
        ]),
    );
    await client.hdel(keys.audit, "head");
    await client.hset(keys.audit, String((await readAuditState(client, keys)).days[0]?.day), "0-0");
    await seal("none");
    expect((await verify()).faults).toMatchObject([{ id: "seal 1.0", message: expect.stringContaining("not signed") }]);
    await rewrite((all) => all.filter((entry) => !isSeal(entry)));
    await client.hdel(keys.audit, "head");
    await client.hset(keys.audit, String((await readAuditState(client, keys)).days[0]?.day), "0-0");
    await seal(ringOf("k1"));
    expect((await verify()).faults).toMatchObject([
      { id: "seal 1.0", message: expect.stringContaining("not what was written") },
    ]);
  });

  test("a seal of a key that is not in the ring", async () => {
    await someAudit();
    expect((await verify(ringOf("k2"))).faults).toMatchObject([{ id: "seal 1.0" }, { id: "seal 2.0" }]);
  });
});

test("a seal is written behind the one that it was made for only", async () => {
  await write("a");
  const { days, head } = await readAuditState(client, keys);
  const { day, sealedTo } = days[0] ?? { day: 0, sealedTo: "" };
  const entries = await readAudit(client, keys, day, sealedTo, "+", 10);
  const made = makeSeal(keys.prefix, day, head, sealedTo, entries, keyRing);
  const written = await Promise.all([writeSeal(client, keys, made), writeSeal(client, keys, made)]);
  expect(written.toSorted()).toEqual([false, true]);
  expect((await verify()).faults).toEqual([]);
});

test("what is dropped to make room is no fault, and the bound is kept", async () => {
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) await write(...Array.from({ length: 20 }, (_, n) => `${round}-${i}-${n}`));
    await seal();
  }
  const [day] = (await readAuditState(client, keys)).days;
  const key = keys.auditDay(day?.day ?? 0);
  const before = (await client.memory("USAGE", key)) ?? 0;
  const most = Math.floor(before / 2);
  while ((await tendAudit(client, keys, 60_000, most)) > 0) {}
  expect((await client.memory("USAGE", key)) ?? 0).toBeLessThanOrEqual(most);
  expect(await client.pexpiretime(key)).toBe(((day?.day ?? 0) + 1) * 86_400_000 + 60_000);
  const { records, faults } = await verify();
  expect(faults).toEqual([]);
  expect(records).toBeGreaterThan(1_000);
});

test("days that have expired are no fault, and forgotten", async () => {
  await someAudit();
  await client.hset(keys.audit, "1", "5-0");
  await tendAudit(client, keys, 60_000, 1e9);
  expect((await readAuditState(client, keys)).days).toHaveLength(1);
  expect((await verify()).faults).toEqual([]);
});
