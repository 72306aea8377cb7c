import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { Command } from "commander";
import { failureOf, failureText } from "../cmd/output/failure.js";
import { painter, showsColours } from "../cmd/output/paint.js";
import { environment } from "../src/config/environment.js";
import { connect, type Toolgate } from "../src/index.js";
import { CleanupStack } from "../src/local-cluster/cleanup-stack.js";
import { watchInterruptions } from "../src/local-cluster/interruption.js";
import { httpAddresses } from "../src/local-cluster/listening-line.js";
import { LocalCluster, type LocalNode } from "../src/local-cluster/local-cluster.js";
import { LocalKey } from "../src/local-cluster/local-key.js";
import { LogFolder } from "../src/local-cluster/log-folder.js";
import { thisMachine } from "../src/local-cluster/machine.js";
import { checkInheritedSettings } from "../src/local-cluster/node-environment.js";
import { PACKAGE_ROOT } from "../src/local-cluster/package-root.js";
import { describeExit, Program } from "../src/local-cluster/program.js";
import { NoRedisError, type ProvisionedRedis, provisionRedis } from "../src/local-cluster/provision-redis.js";
import { Report } from "../src/local-cluster/report.js";
import { summarise } from "../src/local-cluster/summarise.js";

/**
 * `npm start`: Redis, three nodes, the official MCP filesystem server and a toolset of our own; three calls, each through
 * another node; then it stays up until Ctrl-C.
 *
 * What is started is stopped in the reverse order: first the providers, which drain through the nodes; then the nodes,
 * which settle with Redis; Redis last.
 */

const FIRST_PORT = 7400;
const NODES = 3;
const HEALTHY_WITHIN_MS = 60_000;
const CALL_WITHIN_MS = 30_000;
const PROVIDER_GRACE_MS = 15_000;
const NODE_GRACE_MS = 10_000;
/** What a Redis that is still starting is given to come up, so that it can be stopped; later it ends as we do. */
const REDIS_GRACE_MS = 5_000;
/** On a Redis that others use too, the demonstration keeps to itself. */
const SHARED_REGISTRY = "npm-start";

const { once } = new Command("npm start --")
  .description("Starts Redis, three nodes and two toolsets, makes three calls, and stays up until Ctrl-C.")
  .option("--once", "stop after the three calls")
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ once?: boolean }>();

try {
  checkInheritedSettings();
} catch (error) {
  const failure = failureOf(error);
  process.stderr.write(`${failureText(failure, painter(showsColours(process.stderr, environment())))}\n`);
  process.exit(failure.exitCode);
}

const report = new Report(process.stdout);
const logs = new LogFolder(join(PACKAGE_ROOT, ".toolgate", "logs"));
const started = new CleanupStack();
const { npm_lifecycle_event: script } = environment();
const interruptions = watchInterruptions(
  () => {
    started.kill();
    process.exit(1);
  },
  // When npm runs us, npm is what people see and stop. (The script's `exec` makes npm our parent, with no shell between.)
  script === "start" ? process.ppid : undefined,
);
const interrupted = new Promise<"interrupted">((resolve) => {
  interruptions.signal.addEventListener("abort", () => resolve("interrupted"), { once: true });
});

let status = 0;
try {
  const outcome = await Promise.race([run(interruptions.signal), interrupted]);
  if (outcome === "up" && !once) await interrupted;
} catch (error) {
  // What fails because we stop is no failure.
  if (!interruptions.signal.aborted) {
    status = 1;
    report.line();
    report.line(error instanceof Error ? error.message : String(error));
    if (!(error instanceof NoRedisError)) report.line(`The logs are in ${relative(process.cwd(), logs.path)}.`);
  }
}
if (interruptions.signal.aborted) report.line(process.stdout.isTTY ? "\r\u001b[KStopping …" : "Stopping …");
await started.stop((error) => {
  status = 1;
  report.line(error instanceof Error ? error.message : String(error));
});
await logs.close();
process.exit(status);

/** Brings everything up. Once `signal` has fired its output has no reader: from then on it starts and prints nothing. */
async function run(signal: AbortSignal): Promise<"up"> {
  report.line("Toolgate: a cluster of three nodes on this machine");
  report.line();
  const redis = await startRedis(signal);
  const key = redis.isOurs ? await LocalKey.make(environment(), (fault) => report.line(fault)) : undefined;
  if (key !== undefined) started.add({ stop: async () => key.remove(), kill: () => key.remove() });
  signal.throwIfAborted();
  const nodes = await startNodes(redis, key, signal);
  const client = await connect(
    nodes.map((node) => node.address),
    { signal, ...(key === undefined ? {} : { key: key.text }) },
  );
  started.add({ stop: () => client.close() });
  signal.throwIfAborted();
  await startProviders(client, nodes, key, signal);
  report.line();
  report.line("Three calls, each through another node");
  report.line();
  await makeCalls(nodes, key, signal);
  if (!once) sayWhatNext(nodes, key);
  return "up";
}

interface Redis {
  readonly url: string;
  readonly registry: string;
  /** It was started for this. */
  readonly isOurs: boolean;
}

async function startRedis(signal: AbortSignal): Promise<Redis> {
  const { REDIS_URL: redisUrl, TOOLGATE_REGISTRY: registry, PATH: path } = environment();
  let url = "";
  let isOurs = false;
  await report.row("redis", async (progress) => {
    const provisioning = provisionRedis({
      redisUrl,
      machine: thisMachine(path ?? ""),
      environment: environment(),
      folder: join(PACKAGE_ROOT, ".toolgate"),
      onProgress: progress,
    });
    started.add({ stop: () => stopRedis(provisioning) });
    const redis = await provisioning;
    signal.throwIfAborted();
    url = redis.url;
    isOurs = redis.isOurs;
    return { value: new URL(url).host, remark: redis.origin };
  });
  return { url, isOurs, registry: registry || (redisUrl ? SHARED_REGISTRY : "default") };
}

/** Stops a Redis that may still be starting. */
async function stopRedis(provisioning: Promise<ProvisionedRedis>): Promise<void> {
  let cut: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    cut = setTimeout(() => resolve(undefined), REDIS_GRACE_MS);
  });
  try {
    // One that never came up has nothing to stop; why has been told.
    const redis = await Promise.race([provisioning.catch(() => undefined), late]);
    await redis?.stop();
  } finally {
    clearTimeout(cut);
  }
}

async function startNodes(
  { url, registry }: Redis,
  key: LocalKey | undefined,
  signal: AbortSignal,
): Promise<readonly LocalNode[]> {
  const cluster = new LocalCluster({
    nodes: NODES,
    redisUrl: url,
    registry,
    firstPort: FIRST_PORT,
    ...(key === undefined ? {} : { settings: key.nodeSettings }),
    onLine: (node, line) => logs.write(node, line),
    onLost: (node, exit) => report.line(`  ${node} ended with ${describeExit(exit)}; the others go on`),
  });
  started.add({ stop: () => cluster.stop(NODE_GRACE_MS), kill: () => cluster.kill() });
  const start = performance.now();
  const starting = cluster.start();
  const nodes: LocalNode[] = [];
  for (const [index, node] of starting.entries()) {
    await report.row(`node ${index + 1}`, async () => {
      const ready = await node;
      nodes.push(ready);
      signal.throwIfAborted();
      await key?.publish(ready.address);
      const also = httpAddresses(ready);
      return { value: ready.address, remark: `listens after ${milliseconds(start)}${also && `; ${also}`}` };
    });
  }
  return nodes;
}

/** Starts both providers, and resolves when both toolsets can be called. */
async function startProviders(
  client: Toolgate,
  nodes: readonly LocalNode[],
  key: LocalKey | undefined,
  signal: AbortSignal,
): Promise<void> {
  const env = { ...environment(), ...key?.clientSettings, TOOLGATE_NODES: nodes.map((node) => node.address).join(",") };
  const launch = (name: string, entry: string, args: readonly string[]): Program => {
    const program = new Program({ name, entry, args, env, onLine: (line) => logs.write(name, line) });
    started.add({
      stop: async () => void (await program.stop(PROVIDER_GRACE_MS)),
      kill: () => program.signal("SIGKILL"),
    });
    program.start();
    return program;
  };
  const files = launch("files", "cmd/toolgate.js", [
    "mount",
    "--name",
    "files",
    "--provider-id",
    "npm-start-files",
    "--",
    ...filesystemServer(),
  ]);
  const text = launch("text", "tools/demo/serve-text.js", []);
  await providerRow(client, files, "the official MCP filesystem server, on this folder", signal);
  await providerRow(client, text, "tools/demo/text-toolset.ts, written with the SDK", signal);
}

async function providerRow(client: Toolgate, program: Program, what: string, signal: AbortSignal): Promise<void> {
  await report.row(program.name, async () => {
    const given = AbortSignal.any([signal, AbortSignal.timeout(HEALTHY_WITHIN_MS)]);
    const lost = program.ended().then((exit) => {
      throw new Error(
        [`The provider of ${program.name} ended with ${describeExit(exit)}`, ...program.output.slice(-8)].join("\n  "),
      );
    });
    const tools = await Promise.race([healthy(client, program.name, given), lost]);
    return { value: `${tools} tools, healthy`, remark: what };
  });
}

/** Watches until a toolset can be called, and gives the number of its tools. */
async function healthy(client: Toolgate, toolset: string, signal: AbortSignal): Promise<number> {
  for await (const event of client.watch({ toolsets: [toolset], signal })) {
    const seen =
      event.kind === "snapshot" ? event.toolsets : event.changes.flatMap(({ summary }) => (summary ? [summary] : []));
    const found = seen.findLast((one) => one.name === toolset);
    if (found?.healthy) return found.toolCount;
  }
  throw new Error(`The watch ended before ${toolset} was healthy.`);
}

async function makeCalls(nodes: readonly LocalNode[], key: LocalKey | undefined, signal: AbortSignal): Promise<void> {
  const calls = [
    { toolset: "text", tool: "slugify", payload: { text: "Héllo, Wörld!" } },
    { toolset: "files", tool: "list_directory", payload: { path: PACKAGE_ROOT } },
    { toolset: "text", tool: "countdown", payload: { from: 3, everyMs: 100 } },
  ];
  for (const [index, { toolset, tool, payload }] of calls.entries()) {
    const node = nodes[index % nodes.length];
    if (!node) throw new Error("There is no node to call.");
    const client = await connect(node.address, { signal, ...(key === undefined ? {} : { key: key.text }) });
    try {
      await client.get(toolset, { signal }); // as an agent would: look first, then call
      await report.row(node.name, async () => {
        const start = performance.now();
        const output: unknown[] = [];
        const result = await client.invoke(toolset, tool, payload, {
          signal,
          timeoutMs: CALL_WITHIN_MS,
          onDelta: (data) => output.push(data),
        });
        const took = milliseconds(start);
        const streamed = output.length > 0 ? `${output.map((piece) => JSON.stringify(piece)).join(" ")} ` : "";
        return {
          value: `${toolset}/${tool}`.padEnd(22),
          remark: `${took.padStart(8)}   ${streamed}${summarise(result, 70)}`,
        };
      });
    } finally {
      await client.close();
    }
  }
}

function sayWhatNext(nodes: readonly LocalNode[], key: LocalKey | undefined): void {
  const addresses = nodes.map((node) => node.address);
  const expected = addresses.every((address, index) => address === `127.0.0.1:${FIRST_PORT + index}`);
  report.line();
  report.line("Try next, in this folder, in another terminal");
  report.line();
  // The command line looks for a node at the first of these by itself.
  if (!expected) report.line(`  export TOOLGATE_NODES=${addresses.join(",")}`);
  report.line("  npx toolgate list");
  report.line('  npx toolgate search "read a file"');
  report.line(
    `  npx toolgate call files read_text_file '${JSON.stringify({ path: join(PACKAGE_ROOT, "package.json"), head: 3 })}'`,
  );
  report.line(`  npx toolgate call text countdown '{"from": 5}'`);
  report.line("  npx toolgate watch");
  report.line();
  const http = nodes.find(({ httpAddress }) => httpAddress !== undefined)?.httpAddress;
  if (http !== undefined) {
    report.line(`Clients of MCP find all tools at http://${http}/mcp, or start npx toolgate mcp: docs/mcp.md.`);
    report.line();
  }
  if (key !== undefined) {
    report.line(
      "Only you may use it: the command line and the SDK find your key by themselves. For other clients, it is in",
    );
    report.line(key.path);
    report.line();
  }
  report.line(`Logs: ${relative(process.cwd(), logs.path)}.  Ctrl-C stops everything.`);
}

/** The command of the official filesystem server, on the project's own folder. */
function filesystemServer(): readonly string[] {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("@modelcontextprotocol/server-filesystem/package.json");
  const { bin } = require(manifest) as { bin: Record<string, string> }; // npm has checked it at its publication
  const [program = ""] = Object.values(bin);
  return [process.execPath, join(dirname(manifest), program), PACKAGE_ROOT];
}

function milliseconds(since: number): string {
  const passed = performance.now() - since;
  return `${passed < 10 ? passed.toFixed(1) : passed.toFixed(0)} ms`;
}
