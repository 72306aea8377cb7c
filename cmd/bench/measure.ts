import { availableParallelism } from "node:os";
import type { CallerKind } from "./actors/agent.js";
import type { Load, LoadReport } from "./actors/drive.js";
import type { CallTarget } from "./callers/caller.js";
import { cpuMicros, machineCpuMicros } from "./process-cost.js";
import { redisCost } from "./redis-cost.js";
import type { Agent, Stage } from "./stage.js";

/** A way of making calls that is measured beside others. */
export interface Contender {
  readonly name: string;
  readonly caller: CallerKind;
  readonly target: CallTarget;
  /** The processes that work for it besides the agent, by their part. */
  readonly processes: Readonly<Record<string, number>>;
}

/** What one contender did in one repetition. */
export interface Measurement extends LoadReport {
  /** By process, in microseconds per call; empty where the system does not tell. */
  readonly cpuPerCall: Readonly<Record<string, number>>;
  /** All processes together, in microseconds per call. */
  readonly cpuPerCallTotal: number;
  readonly redisCommandsPerCall: number;
  readonly redisScriptsPerCall: number;
  /**
   * The share of the machine that was used by processes other than these. Whoever has more processes gets more of a busy
   * machine, so ratios lean to one side when others want it too.
   */
  readonly othersShare: number;
}

/** Makes load once, and reads the meters before and after. */
export async function measure(stage: Stage, agent: Agent, contender: Contender, load: Load): Promise<Measurement> {
  const processes = Object.entries({ agent: agent.pid, ...contender.processes });
  const cpu = (): (readonly [string, number])[] =>
    processes.flatMap(([part, pid]) => {
      const micros = cpuMicros(pid);
      return micros === undefined ? [] : [[part, micros] as const];
    });
  const redisBefore = await redisCost(stage.redis);
  const [cpuBefore, machineBefore, startedAt] = [cpu(), machineCpuMicros(), performance.now()];
  const report = await agent.load({ caller: contender.caller, target: contender.target, load });
  const [cpuAfter, machineAfter, tookMs] = [cpu(), machineCpuMicros(), performance.now() - startedAt];
  const redisAfter = await redisCost(stage.redis);
  const cpuPerCall = Object.fromEntries(
    cpuAfter.map(([part, micros], index) => [part, (micros - (cpuBefore[index]?.[1] ?? 0)) / report.calls]),
  );
  const total = Object.values(cpuPerCall).reduce((sum, micros) => sum + micros, 0);
  return {
    ...report,
    cpuPerCall,
    cpuPerCallTotal: cpuAfter.length === processes.length ? total : Number.NaN,
    redisCommandsPerCall: (redisAfter.commands - redisBefore.commands) / report.calls,
    redisScriptsPerCall: (redisAfter.scripts - redisBefore.scripts) / report.calls,
    othersShare:
      machineBefore === undefined || machineAfter === undefined
        ? Number.NaN
        : Math.max(0, machineAfter - machineBefore - total * report.calls) / (tookMs * 1_000 * availableParallelism()),
  };
}

/** How often and how long. */
export interface Effort {
  readonly repetitions: number;
  readonly warmUpMs: number;
  readonly leadMs: number;
  readonly windowMs: number;
}

/**
 * Measures contenders one after the other, several times, and in the opposite order each second time: so what disturbs the
 * machine for a while disturbs all of them alike.
 *
 * @returns the measurements of each contender, by its name, in the order of the repetitions
 */
export async function interleave(
  stage: Stage,
  agent: Agent,
  contenders: readonly Contender[],
  inFlight: number,
  effort: Effort,
  onMeasured: (contender: Contender) => void,
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  const found = new Map<string, Measurement[]>(contenders.map(({ name }) => [name, []]));
  for (const { caller, target } of contenders)
    await agent.load({ caller, target, load: { inFlight, leadMs: 0, windowMs: effort.warmUpMs } });
  for (let repetition = 0; repetition < effort.repetitions; repetition += 1) {
    for (const contender of repetition % 2 === 0 ? contenders : contenders.toReversed()) {
      const load = { inFlight, leadMs: effort.leadMs, windowMs: effort.windowMs };
      found.get(contender.name)?.push(await measure(stage, agent, contender, load));
      onMeasured(contender);
    }
  }
  return found;
}
