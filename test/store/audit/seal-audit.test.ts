import { afterEach, expect, test, vi } from "vitest";
import { DAY_MS, RECORDS_FIELD } from "../../../src/store/audit/audit-stream.js";
import { readAuditState } from "../../../src/store/audit/read-audit.js";
import { tendAudit } from "../../../src/store/audit/seal-audit.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { keys, registryForFile } from "../registry/registry-fixture.js";

expectNoLeaks();
const here = registryForFile();
afterEach(() => {
  vi.useRealTimers();
});

const NO_BOUND = 1e12;

test.each([
  ["as Redis's", 0],
  ["a year ahead", 365 * DAY_MS],
  ["a year behind", -365 * DAY_MS],
])("a day goes when it has been over for the retention, by Redis's clock, with a node's clock %s", async (_, offMs) => {
  const { client } = here();
  const [seconds = 0] = (await client.time()).map(Number);
  const nowMs = seconds * 1_000;
  const today = Math.floor(nowMs / DAY_MS);
  const days = [today - 2, today - 1, today];
  for (const day of days) {
    await client.xadd(keys.auditDay(day), `${day * DAY_MS}-1`, RECORDS_FIELD, "1");
    await client.hset(keys.audit, String(day), "0-0");
  }
  vi.useFakeTimers({ toFake: ["Date"], now: nowMs + offMs });

  // Yesterday was over at midnight: it has an hour left.
  const retentionMs = nowMs - today * DAY_MS + 3_600_000;
  expect(await tendAudit(client, keys, retentionMs, NO_BOUND)).toBe(0);
  expect(await Promise.all(days.map((day) => client.exists(keys.auditDay(day))))).toEqual([0, 1, 1]);
  expect(await client.pexpiretime(keys.auditDay(today - 1))).toBe(today * DAY_MS + retentionMs);
  expect(await client.pexpiretime(keys.auditDay(today))).toBe((today + 1) * DAY_MS + retentionMs);

  // With a shorter one from now on, it goes too; what is gone is forgotten.
  await tendAudit(client, keys, 1, NO_BOUND);
  await tendAudit(client, keys, 1, NO_BOUND);
  expect((await readAuditState(client, keys)).days.map(({ day }) => day)).toEqual([today]);
  await expectKeysToExpire(client);
});
