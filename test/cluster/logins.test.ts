import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Toolgate, ToolgateError } from "../../src/index.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";

/** People at a cluster: in at one node, known at all of them, and limited by all of them together. */

expectNoLeaks();

const PASSWORD = "canary-password of ann";
let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
let doors: readonly Toolgate[];

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, config: { ...FAST, logLevel: "debug" } });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  // Whoever logs in has nothing else to show.
  doors = await Promise.all(cluster.addresses.map((address) => connect(address, { key: cluster.adminKey })));
  await admin.access.setPassword({ user: "ann", password: PASSWORD, roles: ["operator"] });
});
afterAll(async () => {
  await Promise.all([admin, ...(doors ?? [])].map((client) => client?.close()));
  await cluster?.stop();
  await redis?.stop();
});

const door = (at: number): Toolgate => doors[at % doors.length] ?? admin;
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof ToolgateError ? error.reason : String(error)),
  );

/** All values that are stored, as text. */
async function dumpOf(client: Redis): Promise<string> {
  const values: unknown[] = [];
  for (const key of await client.keys("*")) {
    switch (await client.type(key)) {
      case "string":
        values.push(key, await client.get(key));
        break;
      case "hash":
        values.push(key, await client.hgetall(key));
        break;
      case "stream":
        values.push(key, await client.xrange(key, "-", "+"));
        break;
      default:
        values.push(key);
    }
  }
  return JSON.stringify(values);
}

test("a person is in everywhere after one login, and out everywhere after one logout", async () => {
  const logIn = () =>
    door(1)
      .access.login({ user: "ann", password: PASSWORD })
      .catch(() => undefined);
  const { token } = await until("the node knows the person", logIn);
  const visits = await Promise.all(cluster.addresses.map((address) => connect(address, { key: token })));
  try {
    for (const visit of visits) {
      const whoAmI = () => visit.access.whoAmI().catch(() => undefined);
      expect(await until("the node knows the session", whoAmI)).toMatchObject({ id: "ann", kind: "user" });
    }
    await visits[0]?.access.logout();
    for (const visit of visits) {
      await until(
        "the node knows that it is over",
        async () => (await reasonOf(visit.access.whoAmI())) === "UNAUTHENTICATED",
      );
    }
    // Neither the password nor the token, in no form that could be used.
    const client = redis.client();
    const said = cluster.addresses.flatMap((_, index) => cluster.output(index)).join("\n");
    const dump = (await dumpOf(client)) + said;
    expect(dump).toContain("$scrypt$");
    for (const canary of [PASSWORD, token.split("_")[3] ?? token, cluster.adminKey.split("_")[3] ?? ""]) {
      expect(dump).not.toContain(canary);
    }
    await expectKeysToExpire(client);
  } finally {
    await Promise.all(visits.map((visit) => visit.close()));
  }
});

test("of 200 wrong logins over all nodes, the tenth is limited, and says for how long", async () => {
  const reasons: string[] = [];
  for (let n = 0; n < 200; n++) {
    reasons.push(await reasonOf(door(n).access.login({ user: "bob", password: `wrong password ${n}` })));
  }
  const first = reasons.indexOf("TOO_MANY_ATTEMPTS");
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(10);
  expect(reasons.slice(0, first)).toEqual(Array.from({ length: first }, () => "UNAUTHENTICATED"));
  expect(await reasonOf(door(0).access.login({ user: "ann", password: PASSWORD }))).toBe("answered");
});
