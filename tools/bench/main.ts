import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { painter, showsColours } from "../../cmd/output/paint.js";
import { startProgress } from "../../cmd/output/progress.js";
import { environment } from "../../src/config/environment.js";
import { CleanupStack } from "../../src/local-cluster/cleanup-stack.js";
import { canInstallRedis, installRedis } from "../../src/local-cluster/install-redis.js";
import { watchInterruptions } from "../../src/local-cluster/interruption.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { findRedisServer, type RedisServer } from "../../src/local-cluster/redis-server.js";
import { type Figure, summarise } from "./figures.js";
import { machineFacts } from "./machine-facts.js";
import { markdownSection } from "./markdown.js";
import type { Effort } from "./measure.js";
import { detailTable, figureTable, type RunReport } from "./report.js";
import { Stage } from "./stage.js";
import type { Detail, Workload, WorkloadContext } from "./workload.js";
import { ACCESS } from "./workloads/access.js";
import { CALLS, CALLS_FILE } from "./workloads/calls.js";
import { DURABILITY } from "./workloads/durability.js";
import { FRONT } from "./workloads/front.js";
import { CHANGES, SEARCH, TOOLSETS } from "./workloads/growth.js";
import { HOSTILE } from "./workloads/hostile.js";
import { LOGINS } from "./workloads/logins.js";
import { MCP } from "./workloads/mcp.js";
import { MEMORY } from "./workloads/memory.js";
import { OUTPUT } from "./workloads/output.js";
import { BACKLOG, PARKED } from "./workloads/parked.js";
import { PROFILE } from "./workloads/profile.js";
import { READERS } from "./workloads/readers.js";
import { REST } from "./workloads/rest.js";
import { SCRAPE } from "./workloads/scrape.js";
import { NODES, PROVIDERS } from "./workloads/spread.js";
import { STORM, STORM_AFTER_OUTAGE } from "./workloads/storm.js";
import { TENANTS } from "./workloads/tenants.js";
import { TRACES } from "./workloads/traces.js";

/**
 * `npm run bench`: real processes on loopback around a Redis of their own, each figure beside its baseline in the same
 * run. Whatever is started ends with the benchmark, however that ends.
 */

const WORKLOADS: readonly Workload[] = [
  CALLS,
  CALLS_FILE,
  DURABILITY,
  ACCESS,
  TRACES,
  REST,
  MCP,
  FRONT,
  SCRAPE,
  OUTPUT,
  NODES,
  PROVIDERS,
  PARKED,
  BACKLOG,
  STORM,
  TOOLSETS,
  CHANGES,
  SEARCH,
  MEMORY,
];
/** Only when asked for. */
const MORE_WORKLOADS: readonly Workload[] = [STORM_AFTER_OUTAGE, HOSTILE, READERS, TENANTS, LOGINS, PROFILE];

const LOADS = [1, 16, 64, 256];
const QUICK_LOADS = [1, 64];
const PAYLOAD_BYTES = [64, 4_096];
const QUICK_PAYLOAD_BYTES = [64];
const PROVIDERS_AT_ONCE = [1_000];
const QUICK_PROVIDERS_AT_ONCE = [30];
/** From this share of the machine on, others disturb what is measured. */
const BUSY_SHARE = 0.1;
const EFFORT: Effort = {
  repetitions: 5,
  hotInFlight: 64,
  hotMs: 3_000,
  warmUpMs: 400,
  leadMs: 150,
  windowMs: 850,
};
const QUICK_EFFORT: Effort = {
  repetitions: 2,
  hotInFlight: 64,
  hotMs: 300,
  warmUpMs: 100,
  leadMs: 50,
  windowMs: 250,
};

interface Options {
  readonly only?: readonly string[];
  readonly quick?: boolean;
  readonly repetitions?: number;
  readonly inFlight?: readonly number[];
  readonly bytes?: readonly number[];
  readonly toolsets: number;
  readonly providers?: readonly number[];
  readonly json?: string;
  readonly markdown?: boolean;
  readonly compare?: string;
  readonly against?: string;
  readonly profile?: string;
}

const listed = [...WORKLOADS, ...MORE_WORKLOADS].map(({ name, description }) => `  ${name.padEnd(11)} ${description}`);
const options = new Command("npm run bench --")
  .description("Measures Toolgate beside its baselines, and says which targets are met.")
  .option("--only <names>", "only these workloads, separated by commas", workloadsNamed)
  .option("--quick", "short and small: a first impression, not figures to quote")
  .option(
    "--repetitions <n>",
    `how often each figure is measured (${EFFORT.repetitions}, quick ${QUICK_EFFORT.repetitions})`,
    count,
  )
  .option("--in-flight <n,...>", `how many calls at once (${LOADS.join(",")}, quick ${QUICK_LOADS.join(",")})`, counts)
  .option(
    "--bytes <n,...>",
    `the payloads' sizes (${PAYLOAD_BYTES.join(",")}, quick ${QUICK_PAYLOAD_BYTES.join(",")})`,
    counts,
  )
  .option("--toolsets <n>", "how many toolsets the catalogue grows to (10000)", count, 10_000)
  .option(
    "--providers <n,...>",
    `how many providers register at once (${PROVIDERS_AT_ONCE.join(",")}, quick ${QUICK_PROVIDERS_AT_ONCE.join(",")})`,
    counts,
  )
  .option("--json <file>", "write everything that was measured to a file")
  .option("--markdown", "end with the figures as a section of docs/benchmarks.md")
  .option("--compare <file>", "show an earlier run's figures (its --json) beside this one's")
  .option("--against <folder>", "measure another built checkout's nodes beside this one's, in the same run")
  .option("--profile <folder>", 'profile a node, as "--only profile" does, into this folder')
  .addHelpText(
    "after",
    `
Workload:
${listed.join("\n")}

The table judges by the median; "?" where the repetitions do not agree. Targets that belong to a size are judged at that size
only: not with fewer --toolsets, nor with --quick. A whole run takes less than twenty minutes on two quiet cores.

Examples:
  npm run bench
  npm run bench -- --only calls --json now.json
  npm run bench -- --only calls --compare before.json
  npm run bench -- --only calls --in-flight 64 --bytes 64 --against ../toolgate-main
  npm run bench -- --only toolsets --toolsets 1000
  npm run bench -- --markdown --json now.json
  npm run bench -- --profile profiles`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Options>();

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000)
    throw new InvalidArgumentError("It must be a whole number, 1 to 100000.");
  return value;
}

function counts(text: string): readonly number[] {
  return text.split(",").map(count);
}

function workloadsNamed(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  const known = new Set([...WORKLOADS, ...MORE_WORKLOADS].map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no ${unknown.join(", ")}: use ${[...known].join(", ")}.`);
  return names;
}

const stages = new CleanupStack();
const { npm_lifecycle_event: script } = environment();
const interruptions = watchInterruptions(
  () => {
    stages.kill();
    process.exit(1);
  },
  script === "bench" ? process.ppid : undefined,
);
const interrupted = new Promise<never>((_, reject) => {
  interruptions.signal.addEventListener("abort", () => reject(new Error("The benchmark was interrupted.")), {
    once: true,
  });
});

let status = 0;
try {
  await Promise.race([bench(options, interruptions.signal), interrupted]);
} catch (error) {
  status = 1;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
await stages.stop((error) => process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`));
process.exit(status);

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const redis = await redisServer();
  const natsBinary = thisMachine(environment().PATH ?? "").find("nats-server");
  const machine = machineFacts(redis.version);
  const before = options.compare === undefined ? undefined : await readReport(options.compare);
  const quick = options.quick ?? false;
  const effort = {
    ...(quick ? QUICK_EFFORT : EFFORT),
    ...(options.repetitions ? { repetitions: options.repetitions } : {}),
  };
  const workloads =
    options.only === undefined && options.profile !== undefined
      ? [PROFILE]
      : [...WORKLOADS, ...MORE_WORKLOADS].filter(
          (work) => options.only?.includes(work.name) ?? WORKLOADS.includes(work),
        );
  say(
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ${machine.redis}; ` +
      `${effort.repetitions} repetitions, interleaved${quick ? "; quick: not figures to quote" : ""}`,
  );
  const figures: Figure[] = [];
  const details: Detail[] = [];
  for (const work of workloads) {
    try {
      await runWork(work);
    } catch (error) {
      // The others' figures are as good as before.
      signal.throwIfAborted();
      status = 1;
      process.stderr.write(`${work.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  const paint = painter(showsColours(process.stdout, environment()));
  const width = process.stdout.isTTY ? process.stdout.columns || 80 : undefined;
  if (details.length > 0) say(`\n${detailTable(details, width, paint)}`);
  const others = summarise(details.flatMap((detail) => detail.measurements.map((one) => one.othersShare)));
  if (others.median > BUSY_SHARE)
    say(
      `Others used ${(100 * others.median).toFixed(0)} % of the machine meanwhile (at most ${(100 * others.max).toFixed(0)} %): ` +
        "the figures are not to be quoted, but for CPU per call.\n",
    );
  if (figures.length > 0) say(figureTable(figures, before, width, paint));
  if (options.markdown) say(`\n${markdownSection(figures, machine, effort.repetitions)}`);
  if (options.json !== undefined) {
    const report: RunReport = {
      version: 1,
      at: new Date().toISOString(),
      machine,
      repetitions: effort.repetitions,
      figures: figures.map((figure) => ({ ...figure, ...summarise(figure.values) })),
      details,
    };
    await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }

  async function runWork(work: Workload): Promise<void> {
    const progress = startProgress(process.stderr, work.name);
    const startedAt = performance.now();
    let printed = "";
    const own: Stage[] = [];
    const context: WorkloadContext = {
      effort,
      quick,
      loads: options.inFlight ?? (quick ? QUICK_LOADS : LOADS),
      payloadBytes: options.bytes ?? (quick ? QUICK_PAYLOAD_BYTES : PAYLOAD_BYTES),
      toolsets: options.toolsets,
      providers: options.providers ?? (quick ? QUICK_PROVIDERS_AT_ONCE : PROVIDERS_AT_ONCE),
      against: options.against === undefined ? undefined : resolve(options.against, "dist"),
      profileFolder: options.profile,
      signal,
      stage: async ({ appendOnly = false, replica = false } = {}) => {
        const stage = new Stage({ redisBinary: redis.path, appendOnly, replica, natsBinary, signal });
        own.push(stage);
        stages.add({ stop: () => stage.stop(), kill: () => stage.kill() });
        await stage.start();
        return stage;
      },
      progress: (text) => {
        progress.update(`${work.name}: ${text}`);
        // Where no line can be redrawn, one for each new thing.
        if (process.stderr.isTTY || printed === text) return;
        printed = text;
        process.stderr.write(`${work.name}: ${text}\n`);
      },
      figure: (figure) => figures.push(figure),
      detail: (detail) => details.push(detail),
      note: (text) => {
        progress.clear();
        say(`\n${text}`);
      },
    };
    try {
      await work.run(context);
    } finally {
      progress.update(`${work.name}: stopping its processes`);
      for (const stage of own) await stage.stop();
      progress.done();
    }
    process.stderr.write(`${work.name}: done in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  }
}

async function redisServer(): Promise<RedisServer> {
  const machine = thisMachine(environment().PATH ?? "");
  const found = await findRedisServer(machine);
  if (found !== undefined) return found;
  if (canInstallRedis(machine)) {
    say("Installing Debian's redis-server (apt-get), for its program only: no service is started");
    await installRedis(machine, environment());
    const installed = await findRedisServer(machine);
    if (installed !== undefined) return installed;
  }
  throw new Error("The benchmark needs a redis-server (7.0 or newer) or a valkey-server on the PATH: install one.");
}

async function readReport(file: string): Promise<RunReport> {
  const report = JSON.parse(await readFile(file, "utf8")) as RunReport; // checked on the next line
  if (report.version !== 1 || !Array.isArray(report.figures))
    throw new Error(`${file} is not what --json of this benchmark writes.`);
  return report;
}

function say(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}
