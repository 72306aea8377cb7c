import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { LocalCluster } from "../../src/local-cluster/local-cluster.js";
import { descendants, expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();

let cluster: LocalCluster | undefined;
afterEach(() => cluster?.stop(10_000));

const portOf = (address: string): number => Number(address.split(":").at(-1));

test("a taken port is replaced by a free one", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const taken = typeof address === "object" ? (address?.port ?? 0) : 0;
  cluster = new LocalCluster({ nodes: 1, redisUrl: redis().url, registry: "default", firstPort: taken });
  const [node] = await Promise.all(cluster.start());
  other.close();
  expect(node?.name).toBe("node 1");
  expect(portOf(node?.address ?? "")).toBeGreaterThan(0);
  expect(portOf(node?.address ?? "")).not.toBe(taken);
});

test("a node that dies is told of, and only that one", async () => {
  const lost: string[] = [];
  cluster = new LocalCluster({
    nodes: 2,
    redisUrl: redis().url,
    registry: "default",
    firstPort: 0,
    onLost: (node, exit) => lost.push(`${node} ${exit.signal}`),
  });
  await Promise.all(cluster.start());
  const [victim = ""] = descendants(process.pid).filter((row) => row.endsWith("toolgate.js serve"));
  process.kill(Number.parseInt(victim, 10), "SIGKILL");
  await until("the loss is told", () => lost.length > 0);
  await cluster.stop(10_000);
  expect(lost).toEqual([expect.stringMatching(/^node [12] SIGKILL$/)]);
});

test("stopping it while it starts leaves nothing", async () => {
  cluster = new LocalCluster({ nodes: 2, redisUrl: redis().url, registry: "default", firstPort: 0 });
  const starting = Promise.allSettled(cluster.start());
  await cluster.stop(10_000);
  await starting;
  expect(descendants(process.pid).filter((row) => row.includes("toolgate.js serve"))).toEqual([]);
});

test("nodes that cannot start may be awaited one after the other", async () => {
  cluster = new LocalCluster({ nodes: 3, redisUrl: "foo", registry: "default", firstPort: 0 });
  for (const [index, node] of cluster.start().entries()) {
    // The later ones have ended, unheard, by the time that it is their turn.
    await expect(node).rejects.toThrow(`node ${index + 1} ended with status 2 before it listens`);
  }
});
