import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import { connect, serveToolset } from "../../src/index.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PrivateRedis } from "../../src/local-cluster/private-redis.js";
import { findRedisServer } from "../../src/local-cluster/redis-server.js";
import { createNode } from "../../src/node.js";
import { TEXT_TOOLSET } from "../demo/text-toolset.js";
import { alerts, comparedBy, dashboardExpressions, type Expression } from "./expressions.js";

/**
 * `npm run dashboards`: runs every expression of the dashboard and of the alerts against a Prometheus that has scraped a node under some
 * load, and fails where one has no value. It needs `redis-server` and `prometheus` on the PATH (Debian has both).
 */

/** How long there is load before the expressions are run: some scrapes. */
const LOAD_MS = 20_000;

const machine = thisMachine(environment().PATH ?? "");
const prometheus = machine.find("prometheus");
const redisServer = await findRedisServer(machine);
if (prometheus === undefined || redisServer === undefined) {
  console.error(
    "npm run dashboards needs redis-server and prometheus on the PATH (Debian: apt-get install prometheus).",
  );
  process.exit(2);
}

/** What ends what was started, the latest first. */
const stops: (() => Promise<unknown>)[] = [];
try {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-dashboards-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  const redis = new PrivateRedis({
    ...{ binary: redisServer.path, folder: join(folder, "redis"), removeFolder: true, appendOnly: false },
  });
  await redis.start();
  stops.push(() => redis.stop());
  const flags = { listen: "127.0.0.1:0", opsListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "warn" };
  const node = createNode(parseConfig({ env: {}, flags }));
  const { address, opsAddress } = await node.start();
  stops.push(() => node.stop());
  const port = await freePort();
  const config = join(folder, "prometheus.json");
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s" },
      scrape_configs: [{ job_name: "toolgate", static_configs: [{ targets: [opsAddress] }] }],
    }),
  );
  const storage = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "data")}`];
  const server = spawn(prometheus, [...storage, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  const ended = once(server, "exit");
  stops.push(async () => {
    server.kill();
    await ended;
  });

  const provider = await serveToolset(TEXT_TOOLSET, { nodes: address });
  stops.push(() => provider.stop());
  const client = await connect(address);
  stops.push(() => client.close());
  const until = performance.now() + LOAD_MS;
  while (performance.now() < until) {
    await client.invoke("text", "slugify", { text: "Hello, World" }, { wait: true });
    await client.invoke("text", "missing", {}).catch(() => {});
    await client.get("missing").catch(() => {});
    await sleep(50);
  }

  const asked: readonly Expression[] = [
    ...dashboardExpressions(),
    ...alerts().map((alert) => ({ where: `alert ${alert.alert}`, expr: comparedBy(alert) })),
  ];
  let without = 0;
  for (const { where, expr } of asked) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const { status, error, data } = (await answer.json()) as {
      readonly status: string;
      readonly error?: string;
      readonly data?: { readonly result: readonly unknown[] };
    }; // Prometheus's API
    const series = data?.result.length ?? 0;
    if (status === "success" && series > 0) continue;
    without++;
    console.error(`${where}: ${error ?? "no series"}\n  ${expr}`);
  }
  console.log(`${asked.length} expressions, ${without} without a value`);
  process.exitCode = without === 0 ? 0 : 1;
} finally {
  for (const stop of stops.reverse()) await stop();
}
