import { expect, test } from "vitest";
import { LoginAttempts } from "../../../src/store/access/login-attempts.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { documentsForFile, keyspace } from "../documents/documents-fixture.js";

expectNoLeaks();
const here = documentsForFile();

const ANN = { tenant: "default", user: "ann", host: "192.0.2.1" };
const attempts = (): LoginAttempts => new LoginAttempts(here().client, keyspace);

/** How many of these logins may be tried; none of them is right. */
async function tried(times: number, subjectOf: (n: number) => typeof ANN): Promise<number> {
  let count = 0;
  for (let n = 0; n < times; n++) if ((await attempts().count(subjectOf(n))) === 0) count++;
  return count;
}

test("of 200 wrong logins of an account, the tenth is refused, and says for how long", async () => {
  expect(await tried(200, () => ANN)).toBeLessThan(10);
  const waitMs = await attempts().count(ANN);
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(30_000);
  await expectKeysToExpire(here().client);
});

test("another address and another account are not concerned", async () => {
  await tried(20, () => ANN);
  expect(await attempts().count({ ...ANN, host: "192.0.2.2" })).toBe(0);
  expect(await attempts().count({ ...ANN, user: "bob" })).toBe(0);
  expect(await attempts().count({ ...ANN, tenant: "acme" })).toBe(0);
});

test("one address that tries many names is limited", async () => {
  const count = await tried(200, (n) => ({ ...ANN, user: `user-${n}` }));
  expect(count).toBeGreaterThanOrEqual(50);
  expect(count).toBeLessThan(80); // one more each two seconds
});

test("many addresses that try one name are limited, but not the one that its holder uses", async () => {
  const home = { ...ANN, host: "198.51.100.1" };
  expect(await attempts().count(home)).toBe(0);
  await attempts().forgive(home);
  const count = await tried(200, (n) => ({ ...ANN, host: `192.0.2.${n}` }));
  expect(count).toBeGreaterThanOrEqual(99);
  expect(count).toBeLessThan(130); // one more each six seconds
  expect(await attempts().count({ ...ANN, host: "203.0.113.1" })).toBeGreaterThan(0);
  expect(await attempts().count(home)).toBe(0);
});

test("right logins are given back", async () => {
  for (let n = 0; n < 200; n++) {
    expect(await attempts().count(ANN)).toBe(0);
    await attempts().forgive(ANN);
  }
});

test("logins that come at once do not get past the count", async () => {
  const waits = await Promise.all(Array.from({ length: 50 }, () => attempts().count(ANN)));
  expect(waits.filter((waitMs) => waitMs === 0).length).toBeLessThan(10);
});

test("values that are damaged limit nobody for long", async () => {
  const { client } = here();
  await attempts().count(ANN);
  for (const damage of ["x", "1 99999999999999999", "2 later"]) {
    for (const key of await client.keys("*logins:*")) await client.set(key, damage);
    expect(await attempts().count(ANN)).toBeLessThanOrEqual(86_400_000);
  }
  for (const key of await client.keys("*logins:*")) {
    await client.del(key);
    await client.hset(key, "a", "b");
  }
  expect(await attempts().count(ANN)).toBe(0);
});

test("no name and no address is in a key", async () => {
  await attempts().count(ANN);
  await attempts().forgive(ANN);
  const keys = (await here().client.keys("*")).join(" ");
  expect(keys).toContain("login");
  for (const canary of ["ann", "192.0.2.1"]) expect(keys).not.toContain(canary);
});
