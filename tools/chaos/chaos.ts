import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join, relative } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { integer, words } from "../../cmd/commands/option-values.js";
import { environment } from "../../src/config/environment.js";
import { watchInterruptions } from "../../src/local-cluster/interruption.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { FAULTS, SCENARIOS, type ScenarioName } from "./faults.js";
import { EXPERIMENT_NAMES, type ExperimentName } from "./figures/experiments.js";
import { allMet, figuresJson, figuresMarkdown, figuresText } from "./figures/figures-report.js";
import { runFigures } from "./figures/run-figures.js";
import { STORE_KINDS } from "./make-store.js";
import { MUTANTS } from "./mutants/mutants.js";
import { allCaught, mutantsJson, mutantsText } from "./mutants/mutants-report.js";
import { mutantsNamed, runMutants } from "./mutants/run-mutants.js";
import { reportJson, reportText } from "./report.js";
import { runChaos } from "./run.js";
import type { StoreKind } from "./store.js";
import { runUpgrade } from "./upgrade/run-upgrade.js";
import { allKept, upgradeJson, upgradeMarkdown, upgradeText } from "./upgrade/upgrade-report.js";

/**
 * `npm run chaos`: a cluster of real processes under load and faults; what it left behind is checked against what Toolgate
 * promises. Exit status: 0 clean, 1 a promise was broken, 2 wrong use, 3 the run itself could not be done, 130 interrupted.
 */

interface Flags {
  readonly seed: string;
  readonly seconds: number;
  readonly scenario?: readonly ScenarioName[];
  readonly store: StoreKind;
  readonly rate: number;
  readonly calls: number;
  readonly agents: number;
  readonly keep?: boolean;
  readonly json?: boolean;
  /** Experiments in place of a run with faults: all (`true`), or those that are named. */
  readonly figures?: true | readonly ExperimentName[];
  readonly quick?: boolean;
  /** Seeded bugs in place of a run with faults: all (`true`), or those that are named. */
  readonly mutants?: true | readonly string[];
  readonly markdown?: boolean;
  /** Clusters of two builds in place of a run with faults. */
  readonly upgrade?: boolean;
  readonly release?: string;
}

const ALL = Object.keys(SCENARIOS) as ScenarioName[]; // the table's own keys

const program = new Command("npm run chaos --")
  .description("Runs a cluster of real processes under load and faults, and checks that every promise was kept.")
  .option(
    "--seed <text>",
    "what decides the load and the faults; the same seed does the same",
    randomBytes(4).toString("hex"),
  )
  .option("--seconds <n>", "how long load and faults last, at least 8", integer(8, 86_400), 60)
  .option("--scenario <names>", `which faults, of ${ALL.join(", ")}; all when absent`, scenarios)
  .addOption(new Option("--store <kind>", "what Redis is made of").choices(STORE_KINDS).default("standalone"))
  .option("--rate <n>", "calls per second, of all agents together", integer(1, 2_000), 60)
  .option("--calls <n>", "at most so many calls", integer(1, 10_000_000), 100_000)
  .option("--agents <n>", "how many agent processes", integer(1, 16), 2)
  .option("--keep", "keep histories, ledgers and logs also of a clean run")
  .option("--json", "print the outcome as one line of JSON; what happens meanwhile goes to standard error")
  .option(
    "--figures [names]",
    `measure the figures of the proof instead, of ${EXPERIMENT_NAMES.join(", ")}`,
    experiments,
  )
  .option("--upgrade", "take clusters under load from a release to this build, to a future one, and back")
  .option("--release <file>", "with --upgrade: the tarball of the release; the last recorded one when absent")
  .option("--quick", "with --figures, --upgrade: the smallest counts, which show that it works and prove little")
  .option("--markdown", "with --figures, --upgrade: print the table as Markdown; the rest goes to standard error")
  .option("--mutants [names]", "try whether the check finds seeded bugs, all or those named", mutantNames)
  .addHelpText("after", helpTail())
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const flags = program.opts<Flags>();

const { npm_lifecycle_event: script, PATH: path } = environment();
const interruptions = watchInterruptions(() => process.exit(130), script === "chaos" ? process.ppid : undefined);
const folder = join(
  PACKAGE_ROOT,
  ".toolgate",
  "chaos",
  `${flags.seed.replace(/[^A-Za-z0-9._-]/g, "_")}-${process.pid}`,
);
const quiet = flags.json === true || flags.markdown === true;
const say = (line: string): void => void (quiet ? process.stderr : process.stdout).write(`${line}\n`);

say(`seed ${flags.seed}`);
try {
  if (flags.upgrade === true) process.exitCode = await upgrade();
  else if (flags.mutants !== undefined) process.exitCode = await mutants(flags.mutants);
  else process.exitCode = flags.figures === undefined ? await faults() : await figures(flags.figures);
} catch (error) {
  const interrupted = interruptions.signal.aborted;
  if (interrupted) rmSync(folder, { recursive: true, force: true });
  else
    say(
      `The run could not be done: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nLogs: ${relative(process.cwd(), folder)}`,
    );
  process.exitCode = interrupted ? 130 : 3;
}
await new Promise<void>((resolve) => {
  process.stdout.write("", () => resolve());
});
process.exit();

/** A run with faults; resolves to the exit status. */
async function faults(): Promise<number> {
  const outcome = await runChaos({
    seed: flags.seed,
    seconds: flags.seconds,
    scenarios: flags.scenario ?? ALL,
    store: flags.store,
    callsPerSecond: flags.rate,
    maxCalls: flags.calls,
    agents: flags.agents,
    folder,
    machine: thisMachine(path ?? ""),
    onLine: say,
    signal: interruptions.signal,
  });
  const clean = outcome.phases.every(({ violations }) => violations.length === 0);
  const kept = !clean || flags.keep === true;
  if (!kept) rmSync(folder, { recursive: true, force: true });
  const shown = { ...outcome, folder: kept ? relative(process.cwd(), folder) : "" };
  if (flags.json === true) process.stdout.write(`${reportJson(shown)}\n`);
  else process.stdout.write(`\n${reportText(shown, process.stdout.columns)}`);
  return clean ? 0 : 1;
}

/** The figures of the proof; resolves to the exit status. */
async function figures(wanted: true | readonly ExperimentName[]): Promise<number> {
  const { figures, facts } = await runFigures({
    names: wanted === true ? EXPERIMENT_NAMES : wanted,
    quick: flags.quick === true,
    seed: flags.seed,
    folder,
    machine: thisMachine(path ?? ""),
    onLine: say,
    signal: interruptions.signal,
  });
  const met = allMet(figures);
  if (met && flags.keep !== true) rmSync(folder, { recursive: true, force: true });
  else say(`Histories, ledgers and logs: ${relative(process.cwd(), folder)}`);
  if (flags.json === true) process.stdout.write(`${figuresJson(figures, facts)}\n`);
  else if (flags.markdown === true) process.stdout.write(figuresMarkdown(figures, facts));
  else process.stdout.write(`\n${figuresText(figures, facts, process.stdout.columns)}`);
  return met ? 0 : 1;
}

/** Clusters of two builds; resolves to the exit status. */
async function upgrade(): Promise<number> {
  const { ways, facts } = await runUpgrade({
    seed: flags.seed,
    quick: flags.quick === true,
    release: flags.release,
    folder,
    machine: thisMachine(path ?? ""),
    onLine: say,
    signal: interruptions.signal,
  });
  const kept = allKept(ways);
  if (kept && flags.keep !== true) rmSync(folder, { recursive: true, force: true });
  else say(`Histories, ledgers and logs: ${relative(process.cwd(), folder)}`);
  if (flags.json === true) process.stdout.write(`${upgradeJson(ways, facts)}\n`);
  else if (flags.markdown === true) process.stdout.write(upgradeMarkdown(ways, facts));
  else process.stdout.write(`\n${upgradeText(ways, facts, process.stdout.columns)}`);
  return kept ? 0 : 1;
}

/** Seeded bugs, each in a build of its own; resolves to the exit status. */
async function mutants(wanted: true | readonly string[]): Promise<number> {
  const runs = await runMutants({
    mutants: wanted === true ? MUTANTS : mutantsNamed(wanted),
    seed: flags.seed,
    folder,
    machine: thisMachine(path ?? ""),
    onLine: say,
    signal: interruptions.signal,
  });
  const caught = allCaught(runs);
  if (caught && flags.keep !== true) rmSync(folder, { recursive: true, force: true });
  else say(`Histories, ledgers and logs: ${relative(process.cwd(), folder)}`);
  if (flags.json === true) process.stdout.write(`${mutantsJson(runs)}\n`);
  else process.stdout.write(`\n${mutantsText(runs, process.stdout.columns)}`);
  return caught ? 0 : 1;
}

function mutantNames(value: string, before: readonly string[] | undefined): readonly string[] {
  const names = words(value, before);
  const wrong = names.find((word) => MUTANTS.every(({ name }) => name !== word));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(
    `There is no mutant "${wrong}"; there are ${MUTANTS.map(({ name }) => name).join(", ")}.`,
  );
}

function experiments(value: string, before: readonly ExperimentName[] | undefined): readonly ExperimentName[] {
  return words(value, before).map((word) => {
    const known = EXPERIMENT_NAMES.find((name) => name === word);
    if (known === undefined)
      throw new InvalidArgumentError(`There is no experiment "${word}"; there are ${EXPERIMENT_NAMES.join(", ")}.`);
    return known;
  });
}

function scenarios(value: string, before: readonly ScenarioName[] | undefined): readonly ScenarioName[] {
  return words(value, before).map((word) => {
    const known = ALL.find((name) => name === word);
    if (known === undefined)
      throw new InvalidArgumentError(`There is no scenario "${word}"; there are ${ALL.join(", ")}.`);
    return known;
  });
}

function helpTail(): string {
  const scenarioLines = Object.entries(SCENARIOS).flatMap(([name, kinds]) =>
    kinds.map((kind, index) => `  ${(index === 0 ? name : "").padEnd(13)}${kind.padEnd(25)}${FAULTS[kind]}`),
  );
  return `
Scenarios and their faults:
${scenarioLines.join("\n")}

Exit status: 0 clean, 1 a promise was broken, 2 wrong use, 3 the run could not be done, 130 interrupted.

Examples:
  npm run chaos
  npm run chaos -- --seed 7 --seconds 600 --rate 100
  npm run chaos -- --scenario kill,store --seconds 30
  npm run chaos -- --scenario flush --json
  npm run chaos -- --store sentinel --scenario failover,kill
  npm run chaos -- --upgrade
  npm run chaos -- --mutants
  npm run chaos -- --mutants no-dedup,settles-twice --keep
  npm run chaos -- --figures
  npm run chaos -- --figures rolling,same-id --markdown`;
}
