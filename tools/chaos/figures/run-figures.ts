import { join } from "node:path";
import { LogFolder } from "../../../src/local-cluster/log-folder.js";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { findRedisServer } from "../../../src/local-cluster/redis-server.js";
import { machineFacts } from "../../bench/machine-facts.js";
import type { Incident } from "../check/evidence.js";
import { machineMs } from "../machine-clock.js";
import { EXPERIMENTS, type ExperimentName } from "./experiments.js";
import type { Figure } from "./figure.js";
import type { FiguresFacts } from "./figures-report.js";

export interface FiguresOptions {
  readonly names: readonly ExperimentName[];
  readonly quick: boolean;
  readonly seed: string;
  /** A folder of the run's own. */
  readonly folder: string;
  readonly machine: Machine;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface FiguresOutcome {
  readonly figures: readonly Figure[];
  readonly facts: FiguresFacts;
}

/** Runs experiments one after the other; what a process did unasked speaks against all rows of its experiment. */
export async function runFigures(options: FiguresOptions): Promise<FiguresOutcome> {
  const { names, quick, seed, folder, machine, onLine, signal } = options;
  const server = await findRedisServer(machine);
  if (server === undefined) {
    throw new Error("No redis-server 7.0 or newer is on the PATH: install one (Debian: apt-get install redis-server).");
  }
  const figures: Figure[] = [];
  const beganMs = machineMs();
  for (const name of names) {
    onLine(`experiment ${name}`);
    const startMs = machineMs();
    const own = join(folder, name);
    const logs = new LogFolder(join(own, "logs"));
    const incidents: Incident[] = [];
    const say = (line: string): void =>
      onLine(`${((machineMs() - startMs) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
    try {
      const rows = await EXPERIMENTS[name]({
        folder: own,
        logs,
        quick,
        seed,
        signal,
        say,
        incidents,
        redisServer: server.path,
      });
      for (const row of rows) {
        const against = [...row.against, ...incidents.map(({ message }) => message)];
        const figure = { ...row, met: row.met === undefined ? undefined : against.length === 0, against };
        figures.push(figure);
        say(`${figure.what}: ${figure.measured}`);
        for (const reason of against) say(`  against it: ${reason}`);
      }
    } finally {
      await logs.close();
    }
  }
  return {
    figures,
    facts: {
      machine: machineFacts(server.version),
      seed,
      quick,
      tookSeconds: Math.round((machineMs() - beganMs) / 1_000),
    },
  };
}
