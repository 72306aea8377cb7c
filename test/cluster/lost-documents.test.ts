import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Toolgate, ToolgateError } from "../../src/index.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";

/* A closed registry whose Redis has lost everything: it does not open, and its administrator can bring all back. */

expectNoLeaks();

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, nodes: 2, config: FAST });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
});
afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
  await redis?.stop();
});

const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "",
    (error: unknown) => (error instanceof ToolgateError ? error.reason : String(error)),
  );

test("keys that are lost hold no more, but for the nodes' own administrator's", async () => {
  const { key } = await admin.access.createKey({ principal: "agent", roles: ["agent"] });
  await using agent = await connect(cluster.nodes, { key });
  expect(await reasonOf(agent.access.whoAmI())).toBe("");
  await redis.flush();
  for (const address of cluster.addresses) {
    await using own = await connect(address, { key });
    await until("the lost key is refused", async () => (await reasonOf(own.access.whoAmI())) === "UNAUTHENTICATED");
    await using administrator = await connect(address, { key: cluster.adminKey });
    await until("the administrator's is known", async () => (await reasonOf(administrator.access.whoAmI())) === "");
    await using nobody = await connect(address);
    expect(await reasonOf(nobody.access.whoAmI())).toBe("UNAUTHENTICATED");
  }
  const again = await admin.access.createKey({ principal: "agent", roles: ["agent"] });
  await using returned = await connect(cluster.nodes, { key: again.key });
  expect((await returned.access.whoAmI()).id).toBe("agent");
});
