import { join } from "node:path";
import { environment } from "../config/environment.js";
import { CleanupStack } from "./cleanup-stack.js";
import { watchInterruptions } from "./interruption.js";
import { httpAddresses } from "./listening-line.js";
import { LocalCluster } from "./local-cluster.js";
import { LocalKey } from "./local-key.js";
import { thisMachine } from "./machine.js";
import { checkInheritedSettings } from "./node-environment.js";
import { prettyLine } from "./pretty-line.js";
import { describeExit } from "./program.js";
import { provisionRedis } from "./provision-redis.js";
import { Report } from "./report.js";

/** What `toolgate dev` was asked for. */
export interface DevFlags {
  readonly nodes: number;
  /** Of the first node. */
  readonly port: number;
}

const NODE_GRACE_MS = 10_000;

/**
 * Runs the cluster, and gives the exit status.
 *
 * @throws ToolgateError INVALID_CONFIG, before anything is started
 */
export async function runDevCluster({ nodes: count, port }: DevFlags): Promise<number> {
  checkInheritedSettings();
  const report = new Report(process.stdout);
  const started = new CleanupStack();
  const interruptions = watchInterruptions(() => {
    started.kill();
    process.exit(1);
  });
  const interrupted = new Promise<void>((resolve) => {
    interruptions.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  let status = 0;
  const fail = (error: unknown): void => {
    status = 1;
    report.line(error instanceof Error ? error.message : String(error));
  };

  const bringUp = async (): Promise<void> => {
    const { REDIS_URL: redisUrl, TOOLGATE_REGISTRY: registry, PATH: path } = environment();
    let url = "";
    let isOurs = false;
    await report.row("redis", async (progress) => {
      const redis = await provisionRedis({
        redisUrl,
        machine: thisMachine(path ?? ""),
        environment: environment(),
        folder: join(process.cwd(), ".toolgate"),
        onProgress: progress,
      });
      started.add({ stop: () => redis.stop() });
      url = redis.url;
      isOurs = redis.isOurs;
      return { value: new URL(url).host, remark: redis.origin };
    });
    const key = isOurs ? await LocalKey.make(environment(), (fault) => report.line(fault)) : undefined;
    if (key !== undefined) started.add({ stop: async () => key.remove(), kill: () => key.remove() });
    if (interruptions.signal.aborted) return;
    const cluster = new LocalCluster({
      nodes: count,
      redisUrl: url,
      registry: registry || "default",
      firstPort: port,
      ...(key === undefined ? {} : { settings: key.nodeSettings }),
      onLine: (node, line) => report.line(prettyLine(node, line, process.stdout.isTTY === true)),
      onLost: (node, exit) => report.line(`${node} ended with ${describeExit(exit)}`),
    });
    started.add({ stop: () => cluster.stop(NODE_GRACE_MS), kill: () => cluster.kill() });
    const nodes = await Promise.all(cluster.start());
    for (const { address } of nodes) await key?.publish(address);
    const addresses = nodes.map((node) => node.address).join(",");
    report.line();
    report.line(`  export TOOLGATE_NODES=${addresses}`);
    report.line("  toolgate list          (in another terminal; Ctrl-C here stops everything)");
    report.line();
    for (const node of nodes) report.line(`  ${node.name}: ${node.address}, ${httpAddresses(node) || "no HTTP"}`);
    if (key !== undefined) {
      report.line();
      report.line(
        "  Only you may use it: the command line and the SDK find your key by themselves. For other clients, it is in",
      );
      report.line(`  ${key.path}`);
    }
    report.line();
  };

  try {
    await Promise.race([bringUp(), interrupted]);
    if (!interruptions.signal.aborted) await interrupted;
  } catch (error) {
    fail(error);
  }
  await started.stop(fail);
  return status;
}
