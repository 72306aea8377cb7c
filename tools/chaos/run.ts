import { join } from "node:path";
import { LogFolder } from "../../src/local-cluster/log-folder.js";
import type { Machine } from "../../src/local-cluster/machine.js";
import { describeExit, type Exit } from "../../src/local-cluster/program.js";
import { findRedisServer } from "../../src/local-cluster/redis-server.js";
import { ChaosCluster } from "./chaos-cluster.js";
import { check } from "./check/check.js";
import type { Incident } from "./check/evidence.js";
import { takeovers } from "./check/pings.js";
import { findFaketime } from "./clock-file.js";
import { FAULTS, type FaultKind, SCENARIOS, type ScenarioName, suits } from "./faults.js";
import { machineMs } from "./machine-clock.js";
import { makeStore } from "./make-store.js";
import { runPhase } from "./phase.js";
import { PingObserver } from "./ping-observer.js";
import { lostOnceTimes, recoveryTimes, redeliveryTimes, summarise, type Times, takeoverTimes } from "./recovery.js";
import { redisOffsetMs } from "./redis-offset.js";
import type { Outcome, PhaseOutcome } from "./report.js";
import { type PlannedFault, planFaults } from "./schedule.js";
import { SeededRandom } from "./seeded-random.js";
import { TENANTS_TOOLSETS } from "./settings.js";
import type { Store, StoreKind } from "./store.js";

export interface RunOptions {
  readonly seed: string;
  /** How long load and faults last, all phases together. */
  readonly seconds: number;
  readonly scenarios: readonly ScenarioName[];
  readonly store: StoreKind;
  readonly callsPerSecond: number;
  /** The most calls, all phases together. */
  readonly maxCalls: number;
  readonly agents: number;
  /** A folder of the run's own. */
  readonly folder: string;
  readonly machine: Machine;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A stretch of the run with faults of its own. */
interface PlannedPhase {
  readonly name: string;
  readonly durationMs: number;
  readonly schedule: readonly PlannedFault[];
  /** Callers must prove who they are. */
  readonly closed: boolean;
}

/** A phase is no shorter than this, in milliseconds: a fault needs room before and after it. */
const SHORTEST_PHASE_MS = 8_000;
/** The share of the time that the flush has for itself. */
const FLUSH_SHARE = 0.2;

/** Runs a cluster under faults, and checks what it left behind. */
export async function runChaos(options: RunOptions): Promise<Outcome> {
  const { folder, machine, onLine } = options;
  const server = await findRedisServer(machine);
  if (server === undefined) {
    throw new Error("No redis-server 7.0 or newer is on the PATH: install one (Debian: apt-get install redis-server).");
  }
  const faketime = await findFaketime(machine);
  if (faketime === undefined && options.scenarios.includes("clock")) {
    onLine("clock: skipped, since faketime is not installed (Debian: apt-get install faketime)");
  }
  const { description, kind } = makeStore(options.store, server.path, join(folder, "redis"));
  const planned = planPhases(options, kind, faketime !== undefined);
  if (planned.length === 0) {
    throw new Error(`None of the faults of ${options.scenarios.join(", ")} can be done to a ${options.store} store.`);
  }
  const logs = new LogFolder(join(folder, "logs"));
  const phases: PhaseOutcome[] = [];
  try {
    for (const phase of planned) {
      const store = makeStore(options.store, server.path, join(folder, `redis-${phase.name}`));
      phases.push(await runOnCluster(options, phase, store, logs, faketime));
    }
  } finally {
    await logs.close();
  }
  return { seed: options.seed, store: description, phases, folder };
}

/** Runs a phase on a cluster of its own. */
async function runOnCluster(
  options: RunOptions,
  phase: PlannedPhase,
  store: Store,
  logs: LogFolder,
  faketime: string | undefined,
): Promise<PhaseOutcome> {
  const { onLine, signal } = options;
  const folder = join(options.folder, phase.name);
  const incidents: Incident[] = [];
  const onLost = (name: string, exit: Exit, output: readonly string[]): void => {
    incidents.push({
      atMs: machineMs(),
      message: `${name} ended by itself with ${describeExit(exit)}`,
      evidence: output.slice(-40),
    });
  };
  // Where masters can be lost, only what their replicas have is acknowledged: else losses would be no news.
  const settings = store.kind === "group" ? { TOOLGATE_DURABILITY: "replicated" } : {};
  // Callers prove who they are, in two tenants. Where Redis loses their keys too, nobody is asked for one.
  const access = phase.closed ? { closed: true, toolsets: TENANTS_TOOLSETS } : {};
  const cluster = new ChaosCluster({ store, folder, logs, faketime, settings, onLost, ...access });
  try {
    onLine(`starting ${store.description}, three gateways and their providers`);
    await cluster.start();
    const observer = new PingObserver(store);
    await observer.start();
    const offsetMs = await redisOffsetMs(store);
    onLine(`phase ${phase.name}: ${phase.schedule.length} faults in ${Math.round(phase.durationMs / 1_000)} s`);
    const startMs = machineMs();
    const { evidence, wellSince } = await runPhase({
      ...phase,
      cluster,
      observer,
      logs,
      folder,
      seed: options.seed,
      agents: options.agents,
      callsPerSecond: options.callsPerSecond,
      maxCalls: Math.ceil((options.maxCalls * phase.durationMs) / (options.seconds * 1_000)),
      redisOffsetMs: offsetMs,
      earlier: new Set(),
      incidents,
      onFault: ({ number, kind, lastsMs }, target, remark) => {
        const at = ((machineMs() - startMs) / 1_000).toFixed(1).padStart(6);
        const what = target === "" ? kind : `${kind} of ${target}, ${lastsMs} ms`;
        onLine(`${at} s  ${String(number).padStart(3)}  ${what}${remark === "" ? `: ${FAULTS[kind]}` : `: ${remark}`}`);
      },
      onProgress: (text) => onLine(`${((machineMs() - startMs) / 1_000).toFixed(1).padStart(6)} s       ${text}`),
      signal,
    });
    const recovered = recoveryTimes(evidence.faults, wellSince);
    return {
      name: phase.name,
      evidence,
      violations: check(evidence),
      recoveries: byKind(recovered.map(({ fault, tookMs }) => ({ kind: fault.kind, tookMs }))),
      figures: [
        ...summarise(
          "from healing until all is well",
          recovered.map(({ tookMs }) => tookMs),
        ),
        ...summarise("from the pinger's loss until the next ping", takeoverTimes(takeovers(evidence))),
        ...summarise("from kill -9 of a provider until its idempotent calls run anew", redeliveryTimes(evidence)),
        ...summarise("from kill -9 of a provider until its once calls are outcome_unknown", lostOnceTimes(evidence)),
      ],
    };
  } finally {
    const complaints = await cluster.stop();
    for (const complaint of complaints) onLine(`at the end: ${complaint}`);
  }
}

/** The flush breaks promises by its nature, so it has a phase of its own. */
export function planPhases(
  { seed, seconds, scenarios }: Pick<RunOptions, "seed" | "seconds" | "scenarios">,
  store: Store["kind"],
  clocks: boolean,
): PlannedPhase[] {
  const random = new SeededRandom(seed);
  const kinds = scenarios
    .flatMap((name): readonly FaultKind[] => SCENARIOS[name])
    .filter((kind) => suits(kind, store) && (clocks || kind !== "step-clock"));
  const flushes = kinds.filter((kind) => kind === "flush");
  const others = kinds.filter((kind) => kind !== "flush");
  const wholeMs = seconds * 1_000;
  const flushMs =
    flushes.length === 0 ? 0 : others.length === 0 ? wholeMs : Math.max(SHORTEST_PHASE_MS, wholeMs * FLUSH_SHARE);
  const phase = (name: string, ownKinds: readonly FaultKind[], durationMs: number): PlannedPhase[] => {
    if (ownKinds.length === 0) return [];
    const ms = Math.max(SHORTEST_PHASE_MS, durationMs);
    const schedule = planFaults({ kinds: ownKinds, durationMs: ms, random: random.fork(name) });
    return [{ name, durationMs: ms, schedule, closed: !ownKinds.includes("flush") }];
  };
  return [...phase("faults", others, wholeMs - flushMs), ...phase("flush", flushes, flushMs)];
}

function byKind(times: readonly { readonly kind: FaultKind; readonly tookMs: number }[]): Times[] {
  return [...new Set(times.map(({ kind }) => kind))].flatMap((kind) =>
    summarise(
      kind,
      times.filter((one) => one.kind === kind).map(({ tookMs }) => tookMs),
    ),
  );
}
