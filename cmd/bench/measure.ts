import type { CallerKind } from "./actors/agent.js";
import type { Load, LoadReport } from "./actors/drive.js";
import type { CallTarget } from "./callers/caller.js";
import { cpuMicros } from "./process-cost.js";
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
}

/** Makes load once, and reads the meters before and after. */
export async function measure(stage: Stage, agent: Agent, contender: Contender, load: Load): Promise<Measurement> {
  const processes = Object.entries({ agent: agent.pid, ...contender.processes });
  const cpu = (): (readonly [string, number])[] =>
    processes.flatMap(([part, pid]) => {
      const micros = cpuMicros(pid);
      return micros === undefined ? [] : [[part, micros] as const];
    });
  const [cpuBefore, redisBefore] = [cpu(), await redisCost(stage.redis)];
  const report = await agent.load({ caller: contender.caller, target: contender.target, load });
  const [cpuAfter, redisAfter] = [cpu(), await redisCost(stage.redis)];
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
