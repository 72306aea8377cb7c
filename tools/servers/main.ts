import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { painter, showsColours } from "../../cmd/output/paint.js";
import { startProgress } from "../../cmd/output/progress.js";
import { environment } from "../../src/config/environment.js";
import { connect, type Toolgate } from "../../src/index.js";
import { CleanupStack } from "../../src/local-cluster/cleanup-stack.js";
import { watchInterruptions } from "../../src/local-cluster/interruption.js";
import { LocalCluster } from "../../src/local-cluster/local-cluster.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { provisionRedis } from "../../src/local-cluster/provision-redis.js";
import { installServer } from "./install-server.js";
import type { RealServer } from "./real-server.js";
import { SERVERS } from "./servers.js";
import { differences, markdownTable, type Outcome, outcomeTable, summary } from "./servers-report.js";
import { tryServer } from "./try-server.js";

/**
 * `npm run servers`: published MCP servers of npm and PyPI, each run directly and under a mount, and what they list and
 * answer compared. They are installed below `.toolgate/servers`, at the versions that servers.ts names, and kept for the next
 * run. Nothing but their installation needs a network.
 */

const NODE_GRACE_MS = 5_000;

interface Options {
  readonly only?: readonly RealServer[];
  readonly markdown?: boolean;
  readonly json?: boolean;
}

const options = new Command("npm run servers --")
  .description("Mounts published MCP servers, and compares what they answer directly and through Toolgate.")
  .option("--only <names>", "only these servers, separated by commas", serversNamed)
  .option("--markdown", "print the outcome as the table of docs/mcp-servers-tried.md")
  .option("--json", "print everything as JSON, with both answers of each call")
  .addHelpText(
    "after",
    `
Exit status: 0 when every server runs with every listed tool and all answers agree; 1 otherwise.

Examples:
  npm run servers
  npm run servers -- --only everything,git
  npm run servers -- --json > servers.json`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>();

function serversNamed(text: string): readonly RealServer[] {
  return text.split(",").map((name) => {
    const server = SERVERS.find((one) => one.name === name.trim());
    if (server === undefined)
      throw new InvalidArgumentError(`There is no ${name}: use ${SERVERS.map((one) => one.name).join(", ")}.`);
    return server;
  });
}

const started = new CleanupStack();
const { npm_lifecycle_event: script } = environment();
const interruptions = watchInterruptions(
  () => {
    started.kill();
    process.exit(1);
  },
  script === "servers" ? process.ppid : undefined,
);

let status = 0;
try {
  status = (await run(options.only ?? SERVERS, interruptions.signal)) ? 0 : 1;
} catch (error) {
  status = 1;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
await started.stop((error) => process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`));
process.exit(status);

/** Whether all is as it should be. */
async function run(servers: readonly RealServer[], signal: AbortSignal): Promise<boolean> {
  const progress = startProgress(process.stderr, "starting a node");
  const { client, nodes } = await startNode();
  const work = await mkdtemp(join(PACKAGE_ROOT, ".toolgate", "servers-"));
  started.add({ stop: () => rm(work, { recursive: true, force: true }) });
  const outcomes: Outcome[] = [];
  for (const server of servers) {
    signal.throwIfAborted();
    progress.update(`${server.name}: installing ${server.package} ${server.version}`);
    const outcome = await tryOne(server, work, nodes, client, signal, (text) => progress.update(text));
    outcomes.push(outcome);
    // Where no line can be redrawn, one for each server as it is done.
    if (!process.stderr.isTTY) process.stderr.write(`${server.name}: ${summary(outcome)}\n`);
  }
  progress.done();
  if (options.json === true) process.stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`);
  else if (options.markdown === true) process.stdout.write(markdownTable(outcomes));
  else {
    const width = process.stdout.isTTY ? process.stdout.columns || 80 : undefined;
    process.stdout.write(outcomeTable(outcomes, width, painter(showsColours(process.stdout, environment()))));
  }
  process.stderr.write(differences(outcomes));
  return outcomes.every(({ isGood }) => isGood);
}

async function tryOne(
  server: RealServer,
  work: string,
  nodes: readonly string[],
  client: Toolgate,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<Outcome> {
  try {
    const program = await installServer(server, join(PACKAGE_ROOT, ".toolgate", "servers"));
    onProgress(`${server.name}: ${server.calls?.length ?? 0} calls, both ways`);
    const trial = await tryServer(server, { program, folder: join(work, server.name), nodes, client, signal });
    const isGood =
      trial.faults.length === 0 &&
      trial.served === trial.listed - (server.leftOut?.length ?? 0) &&
      trial.calls.every(({ verdict }) => verdict !== "different");
    return { server, isGood, trial };
  } catch (error) {
    signal.throwIfAborted();
    return { server, isGood: false, failure: error instanceof Error ? error.message : String(error) };
  }
}

async function startNode(): Promise<{ readonly client: Toolgate; readonly nodes: readonly string[] }> {
  const redis = await provisionRedis({
    redisUrl: undefined,
    machine: thisMachine(environment().PATH ?? ""),
    environment: environment(),
    folder: join(PACKAGE_ROOT, ".toolgate"),
    onProgress: (text) => process.stderr.write(`${text}\n`),
  });
  started.add({ stop: () => redis.stop() });
  const cluster = new LocalCluster({ nodes: 1, redisUrl: redis.url, registry: "servers", firstPort: 0 });
  started.add({ stop: () => cluster.stop(NODE_GRACE_MS), kill: () => cluster.kill() });
  const nodes = (await Promise.all(cluster.start())).map(({ address }) => address);
  const client = await connect(nodes);
  started.add({ stop: () => client.close() });
  return { client, nodes };
}
