import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRegistryName } from "../../src/identity/names.js";
import { connect, type Provider, type Toolgate } from "../../src/index.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { STORE_FORMAT } from "../../src/store/registry/node-list.js";
import { compileEdited, type EditedBuild, makeTestBuild, removeTestBuild } from "../../tools/chaos/test-build.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";

/**
 * A registry whose format became a later one while a node that does not know it was away, frozen or without Redis: one node is this
 * build's, two know the next format.
 */

expectNoLeaks();

const { formatKey } = createKeyspace(parseRegistryName("default", "registry"), 1);
const LATER_FORMAT = STORE_FORMAT + 1;
const LATER: EditedBuild = {
  name: "later-format",
  edits: [
    { replace: `export const STORE_FORMAT = ${STORE_FORMAT};`, by: `export const STORE_FORMAT = ${LATER_FORMAT};` },
  ],
};
/** The index of this build's node, and how many agents there are: at least one of them is at that node, all but surely. */
const OLD = 0;
const AGENTS = 12;
/** The exit status of what is refused for its settings or its version. */
const REFUSED = 2;

let redis: TestRedis;
let client: Redis;
let root: string;
let cluster: Cluster;
let agents: Toolgate[] = [];
let providers: Provider[] = [];
const ledger: Ledger = { runs: [] };
const held: Gate = gate();

beforeAll(async () => {
  redis = await privateRedis();
  client = redis.client();
  root = makeTestBuild(LATER.name, compileEdited([LATER]).get(LATER.name) ?? new Map());
  cluster = await startCluster({ redis, nodes: 1, config: FAST });
  for (let more = 0; more < 2; more++) await cluster.add({}, root);
  agents = await Promise.all(Array.from({ length: AGENTS }, () => connect(cluster.nodes)));
  const options = { nodes: cluster.nodes, maxInFlight: 200 };
  providers = await Promise.all(Array.from({ length: 4 }, () => serveLab(ledger, options, held)));
  await until("the toolset can be called", async () => (await agents[0]?.get("lab"))?.healthy);
});
afterAll(async () => {
  held.open();
  await Promise.all(providers.map((provider) => provider.stop()));
  await Promise.all(agents.map((agent) => agent.close()));
  await cluster?.stop();
  removeTestBuild(root);
  await redis?.stop();
});

const said = (text: string): boolean => cluster.output(OLD).some((line) => line.includes(text));

test("a node that meets a later format drains, says why and ends; no call is lost, and it does not start again", async () => {
  const holding = agents.map((agent) => agent.invoke("lab", "hold", {}));
  await until("all run", () => ledger.runs.length === AGENTS);
  let failed: unknown;
  let rolling = true;
  const load = agents.map(async (agent) => {
    while (rolling) {
      await agent.invoke("lab", "sum", { a: 1, b: 1 }).catch((error: unknown) => {
        failed ??= error;
      });
    }
  });
  await client.set(formatKey, LATER_FORMAT);
  await until("it drains", () => said('"event":"node_draining"'), { withinMs: 30_000 });
  held.open();
  expect(await cluster.ended(OLD)).toEqual({ code: REFUSED, signal: null });
  expect(await Promise.all(holding)).toEqual(Array(AGENTS).fill("let go"));
  rolling = false;
  await Promise.all(load);
  expect(failed).toBeUndefined();
  expect(ledger.runs.filter(({ tool }) => tool === "hold")).toHaveLength(AGENTS);
  expect(said('"event":"node_stopped"')).toBe(true);
  expect(said(`is kept in format ${LATER_FORMAT}`)).toBe(true);
  expect(agents.map(({ node }) => cluster.addresses.indexOf(node))).not.toContain(OLD);
  await expect(cluster.restart(OLD)).rejects.toThrow(
    new RegExp(`status ${REFUSED} [^]*kept in format ${LATER_FORMAT}`),
  );
});
