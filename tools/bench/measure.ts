import { availableParallelism } from "node:os";
import type { CallerKind } from "./actors/agent.js";
import type { Load, LoadReport } from "./actors/drive.js";
import type { CallTarget } from "./callers/caller.js";
import { summarise } from "./figures.js";
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
   * The share of the machine that was used by processes other than these. A contender with more processes gets more of a busy
   * machine, so ratios lean to one side when others want it too.
   */
  readonly othersShare: number;
}

/** Makes load once, and reads the meters before and after. */
export function measure(stage: Stage, agent: Agent, contender: Contender, load: Load): Promise<Measurement> {
  return measureTogether(stage, [{ agent, contender }], load);
}

/** An agent's part of a load. */
export interface Part {
  readonly agent: Agent;
  readonly contender: Contender;
}

/**
 * The same with several agents at once, each with the whole load. Their rates add up; median and p99 are the medians of
 * theirs. Processes of one part's name are counted together.
 */
export async function measureTogether(stage: Stage, parts: readonly Part[], load: Load): Promise<Measurement> {
  const processes = partsOf(parts);
  const cpu = (): (readonly [string, number])[] =>
    processes.flatMap(([part, pids]) => {
      const micros = pids.map(cpuMicros);
      return micros.includes(undefined)
        ? []
        : [[part, micros.reduce<number>((sum, one) => sum + (one ?? 0), 0)] as const];
    });
  const redisBefore = await redisCost(stage.redis);
  const [cpuBefore, machineBefore, startedAt] = [cpu(), machineCpuMicros(), performance.now()];
  const reports = await Promise.all(
    parts.map(({ agent, contender: { name, caller, target } }) =>
      agent.load({ caller, target, load }).catch((cause: unknown) => {
        throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }),
    ),
  );
  const report = addUp(reports);
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

/** Which processes work for a load, by their part, each once. */
function partsOf(parts: readonly Part[]): readonly (readonly [string, readonly number[]])[] {
  const found = new Map<string, Set<number>>();
  for (const { agent, contender } of parts) {
    for (const [part, pid] of Object.entries({ agent: agent.pid, ...contender.processes }))
      found.set(part, (found.get(part) ?? new Set()).add(pid));
  }
  return [...found].map(([part, pids]) => [part, [...pids]]);
}

function addUp(reports: readonly LoadReport[]): LoadReport {
  const total = (pick: (report: LoadReport) => number): number => reports.reduce((sum, one) => sum + pick(one), 0);
  return {
    calls: total((one) => one.calls),
    perSecond: total((one) => one.perSecond),
    medianMs: summarise(reports.map((one) => one.medianMs)).median,
    p99Ms: summarise(reports.map((one) => one.p99Ms)).median,
  };
}

/** How often and how long. */
export interface Effort {
  readonly repetitions: number;
  /** How many calls are in flight while a contender is made hot, once; `warmUp` says why. */
  readonly hotInFlight: number;
  readonly hotMs: number;
  /** How long each load runs before it is measured. */
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
  const teams = contenders.map((contender) => ({ name: contender.name, parts: [{ agent, contender }], contender }));
  return await interleaveTeams(stage, teams, inFlight, effort, ({ contender }) => onMeasured(contender));
}

/** Agents that make load together, measured beside other such teams. */
export interface Team {
  readonly name: string;
  readonly parts: readonly Part[];
}

/** What was made hot, by its stage. */
const hot = new WeakMap<Stage, Set<string>>();

const heatOf = ({ agent, contender: { caller, target } }: Part): string =>
  `${agent.pid} ${caller} ${target.address} ${target.tool}`;

/**
 * Makes hot what is not, before anything of it is measured. V8 goes on compiling, on threads of its own, until tens of
 * thousands of calls were made: that costs up to 140 µs a call, and with one call at a time it takes 20 s.
 */
export async function warmUp(stage: Stage, teams: readonly Team[], { hotInFlight, hotMs }: Effort): Promise<void> {
  const known = hot.get(stage) ?? new Set();
  hot.set(stage, known);
  for (const { parts } of teams) {
    if (parts.every((part) => known.has(heatOf(part)))) continue;
    const inFlight = Math.ceil(hotInFlight / parts.length);
    await measureTogether(stage, parts, { inFlight, leadMs: 0, windowMs: hotMs });
    for (const part of parts) known.add(heatOf(part));
  }
}

/** The same as `interleave` for teams of agents; each agent of a team has a number of calls in flight. */
export async function interleaveTeams<T extends Team>(
  stage: Stage,
  teams: readonly T[],
  inFlight: number,
  effort: Effort,
  onMeasured: (team: T) => void,
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  const found = new Map<string, Measurement[]>(teams.map(({ name }) => [name, []]));
  await warmUp(stage, teams, effort);
  for (const { parts } of teams)
    await measureTogether(stage, parts, { inFlight, leadMs: 0, windowMs: effort.warmUpMs });
  for (let repetition = 0; repetition < effort.repetitions; repetition += 1) {
    for (const team of repetition % 2 === 0 ? teams : teams.toReversed()) {
      const load = { inFlight, leadMs: effort.leadMs, windowMs: effort.windowMs };
      found.get(team.name)?.push(await measureTogether(stage, team.parts, load));
      onMeasured(team);
    }
  }
  return found;
}
