import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Toolgate } from "../../../src/index.js";
import type { RealServer } from "../../../tools/servers/real-server.js";
import { SERVERS } from "../../../tools/servers/servers.js";
import { tryServer } from "../../../tools/servers/try-server.js";
import { type Cluster, startCluster } from "../../support/cluster.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { privateRedis, type TestRedis } from "../../support/redis.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let client: Toolgate;
let folder = "";

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, config: { pingIntervalMs: 500 } });
  client = await connect(cluster.nodes);
  folder = await realpath(await mkdtemp(join(tmpdir(), "toolgate-servers-")));
});

afterAll(async () => {
  await client?.close();
  await cluster?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A server of the list, as this project's own dependencies have it. */
function installed(name: string): { readonly server: RealServer; readonly program: string } {
  const server = SERVERS.find((one) => one.name === name);
  if (server === undefined) throw new Error(`there is no ${name} in the list`);
  return { server, program: fileURLToPath(new URL(`../../../node_modules/.bin/${server.program}`, import.meta.url)) };
}

test.each(["everything", "filesystem"])("%s lists and answers the same directly and through a node", async (name) => {
  const { server, program } = installed(name);
  const nodes = cluster.nodes.split(",");
  const signal = new AbortController().signal;
  const trial = await tryServer(server, { program, folder: join(folder, name), nodes, client, signal });
  expect(trial.faults).toEqual([]);
  expect(trial.served).toBe(trial.listed - (server.leftOut?.length ?? 0));
  expect(trial.calls.filter(({ verdict }) => verdict === "different")).toEqual([]);
  expect(trial.calls).toHaveLength(server.calls?.length ?? -1);
});

test("the servers are of both registries, at fixed versions, under names of their own", () => {
  expect(SERVERS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(SERVERS.map(({ name }) => name)).size).toBe(SERVERS.length);
  expect(new Set(SERVERS.map(({ from }) => from))).toEqual(new Set(["npm", "pypi"]));
  for (const { version } of SERVERS) expect(version).toMatch(/^\d+(\.\d+)+$/);
});
