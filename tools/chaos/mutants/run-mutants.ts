import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LogFolder } from "../../../src/local-cluster/log-folder.js";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { describeExit } from "../../../src/local-cluster/program.js";
import { findRedisServer } from "../../../src/local-cluster/redis-server.js";
import { ChaosCluster } from "../chaos-cluster.js";
import { check } from "../check/check.js";
import type { Incident, Limits, Violation } from "../check/evidence.js";
import { machineMs } from "../machine-clock.js";
import { runPhase } from "../phase.js";
import { PingObserver } from "../ping-observer.js";
import { redisOffsetMs } from "../redis-offset.js";
import { rollOut } from "../roll-out.js";
import { LIMITS, TENANTS_TOOLSETS } from "../settings.js";
import { StandaloneStore } from "../standalone-store.js";
import { compileEdited, makeTestBuild, removeTestBuild } from "../test-build.js";
import { DRILLS, type Drill, type DrillName } from "./drills.js";
import { MUTANTS, type Mutant, mutantBuild } from "./mutants.js";
import { type Probed, probeRules } from "./rules-probe.js";

export interface MutantsOptions {
  /** Which mutants; all drills that they are tried in are run without a mutant too. */
  readonly mutants: readonly Mutant[];
  readonly seed: string;
  /** A folder of the run's own. */
  readonly folder: string;
  readonly machine: Machine;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One run of a drill. */
export interface DrillRun {
  readonly drill: DrillName;
  /** Absent in a control: the build as it is. */
  readonly mutant: Mutant | undefined;
  readonly violations: readonly Violation[];
  readonly tookMs: number;
}

/** How long a drill's cluster may take to become healthy, in milliseconds. */
const HEAL_WITHIN_MS = 10_000;
/** How long its agents' last requests may take, in milliseconds. */
const SETTLE_WITHIN_MS = 12_000;
const CALLS_PER_SECOND = 60;
const AGENTS = 2;
/** Of the contract that takes the place of the first one. */
const NEXT_VERSION = "2.0.0";

/** Finds mutants by name. */
export function mutantsNamed(names: readonly string[]): Mutant[] {
  return MUTANTS.filter(({ name }) => names.includes(name));
}

/** Runs each drill without a mutant, and each mutant in its drill. */
export async function runMutants(options: MutantsOptions): Promise<DrillRun[]> {
  const { mutants, machine, onLine } = options;
  const server = await findRedisServer(machine);
  if (server === undefined) {
    throw new Error("No redis-server 7.0 or newer is on the PATH: install one (Debian: apt-get install redis-server).");
  }
  const javascript = compileEdited(mutants.map(mutantBuild));
  const runs: DrillRun[] = [];
  for (const drill of new Set(mutants.map((mutant) => mutant.drill))) {
    runs.push(reported(onLine, await runDrill(options, server.path, drill, undefined, undefined)));
    for (const mutant of mutants.filter((one) => one.drill === drill)) {
      const root = makeTestBuild(mutant.name, javascript.get(mutant.name) ?? new Map());
      try {
        runs.push(reported(onLine, await runDrill(options, server.path, drill, mutant, root)));
      } finally {
        removeTestBuild(root);
      }
    }
  }
  return runs;
}

function reported(onLine: (line: string) => void, run: DrillRun): DrillRun {
  const { drill, mutant, violations, tookMs } = run;
  const what = mutant === undefined ? "no mutant" : mutant.name;
  const found = violations[0]?.rule ?? "clean";
  onLine(`${drill.padEnd(17)}${what.padEnd(24)}${(tookMs / 1_000).toFixed(1).padStart(5)} s  ${found}`);
  return run;
}

async function runDrill(
  options: MutantsOptions,
  redisServer: string,
  name: DrillName,
  mutant: Mutant | undefined,
  root: string | undefined,
): Promise<DrillRun> {
  const { seed } = options;
  // Of its own: its listeners go with the run.
  const signal = AbortSignal.any([options.signal]);
  const drill: Drill = DRILLS[name];
  const folder = join(options.folder, `${name}-${mutant?.name ?? "control"}`);
  const logs = new LogFolder(join(folder, "logs"));
  const store = new StandaloneStore(redisServer, join(folder, "redis"));
  const incidents: Incident[] = [];
  const startMs = machineMs();
  const cluster = new ChaosCluster({
    ...{ store, folder, logs, root },
    faketime: undefined,
    clocksOffMs: drill.clocksOffMs,
    clocksStand: drill.clocksStand,
    settings: drill.settings ?? {},
    ...(drill.closed ? { closed: true, toolsets: TENANTS_TOOLSETS } : {}),
    onLost: (who, exit, output) => {
      const message = `${who} ended by itself with ${describeExit(exit)}`;
      incidents.push({ atMs: machineMs(), message, evidence: output.slice(-40) });
    },
  });
  let probed: Probed | undefined;
  try {
    await cluster.start();
    const observer = new PingObserver(store);
    await observer.start();
    const { evidence } = await runPhase({
      ...{ name, cluster, observer, logs, folder, seed, incidents, signal, root },
      durationMs: drill.durationMs,
      meanwhile: async () => {
        if (drill.closed) probed = await probeRules(cluster, signal);
        if (drill.rollOut === undefined) return;
        await delay(drill.rollOut.atMs, undefined, { signal });
        await rollOut(cluster, drill.rollOut.toolset, NEXT_VERSION, signal);
      },
      schedule: drill.faults,
      mix: drill.mix,
      limits: limitsOf(drill),
      agents: AGENTS,
      callsPerSecond: CALLS_PER_SECOND,
      maxCalls: 10_000,
      healWithinMs: HEAL_WITHIN_MS,
      settleWithinMs: SETTLE_WITHIN_MS,
      redisOffsetMs: await redisOffsetMs(store),
      earlier: new Set(),
      onFault: () => {},
      onProgress: () => {},
    });
    const own = probed?.calls ?? new Set();
    const ofLoad = check(evidence).filter(({ call }) => call === undefined || !own.has(call));
    return {
      drill: name,
      mutant,
      violations: [...ofLoad, ...(probed?.violations ?? [])],
      tookMs: machineMs() - startMs,
    };
  } finally {
    await cluster.kill();
    await logs.close();
  }
}

/** What the check allows under a drill's settings. */
function limitsOf({ settings = {} }: Drill): Limits {
  return {
    ...LIMITS,
    maxAttempts: settings.TOOLGATE_MAX_ATTEMPTS ?? LIMITS.maxAttempts,
    claimLeaseMs: {
      once: settings.TOOLGATE_CLAIM_LEASE_ONCE_MS ?? LIMITS.claimLeaseMs.once,
      idempotent: settings.TOOLGATE_CLAIM_LEASE_IDEMPOTENT_MS ?? LIMITS.claimLeaseMs.idempotent,
    },
  };
}
