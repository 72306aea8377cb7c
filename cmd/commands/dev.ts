import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { environment } from "../../src/config/environment.js";
import { hearInterruptions } from "../local/interruption.js";
import { LocalCluster } from "../local/local-cluster.js";
import { thisMachine } from "../local/machine.js";
import { checkInheritedSettings } from "../local/node-environment.js";
import { prettyLine } from "../local/pretty-line.js";
import { describeExit } from "../local/program.js";
import { provisionRedis } from "../local/provision-redis.js";
import { Report } from "../local/report.js";
import { Unwinding } from "../local/unwinding.js";

interface DevFlags {
  readonly nodes: number;
  readonly port: number;
}

const DEFAULT_PORT = 7400;
const NODE_GRACE_MS = 10_000;
const MOST_NODES = 9;

/** `toolgate dev`: a cluster on this machine with a Redis of its own, for trying things. */
export function devCommand(): Command {
  return new Command("dev")
    .summary("run a cluster on this machine, with its own Redis, for trying things")
    .description(
      "Runs nodes on this machine until Ctrl-C, with REDIS_URL's Redis or a private one in .toolgate/, which is removed\n" +
        "at the end. Settings of `toolgate serve` apply by their variables. Logs are for people, on standard output.",
    )
    .option("-n, --nodes <n>", `how many nodes, at most ${MOST_NODES}`, integer(1, MOST_NODES), 1)
    .option(
      "-p, --port <port>",
      "the first node's port; a taken one is replaced by a free one",
      integer(0, 65_535),
      DEFAULT_PORT,
    )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dev
  toolgate dev --nodes 3
  TOOLGATE_LOG_LEVEL=debug toolgate dev --port 0`,
    )
    .action(async (flags: DevFlags) => {
      process.exit(await dev(flags));
    });
}

/**
 * Runs the cluster, and gives the exit status.
 *
 * @throws ToolgateError INVALID_CONFIG, before anything is started
 */
async function dev({ nodes: count, port }: DevFlags): Promise<number> {
  checkInheritedSettings();
  const report = new Report(process.stdout);
  const started = new Unwinding();
  const interruptions = hearInterruptions(() => {
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
      return { value: new URL(url).host, remark: redis.origin };
    });
    const cluster = new LocalCluster({
      nodes: count,
      redisUrl: url,
      registry: registry || "default",
      firstPort: port,
      onLine: (node, line) => report.line(prettyLine(node, line, process.stdout.isTTY === true)),
      onLost: (node, exit) => report.line(`${node} ended with ${describeExit(exit)}`),
    });
    started.add({ stop: () => cluster.stop(NODE_GRACE_MS), kill: () => cluster.kill() });
    const nodes = await Promise.all(cluster.start());
    const addresses = nodes.map((node) => node.address).join(",");
    report.line();
    report.line(`  export TOOLGATE_NODES=${addresses}`);
    report.line("  toolgate list          (in another terminal; Ctrl-C here stops everything)");
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

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be an integer from ${least} to ${most}.`);
  };
}
