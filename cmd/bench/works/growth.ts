import { setTimeout as after } from "node:timers/promises";
import { paired, ratio } from "../figures.js";
import { type Measurement, measure } from "../measure.js";
import { cpuMicros } from "../process-cost.js";
import type { Agent, Gateway, Stage } from "../stage.js";
import type { Work, WorkContext } from "../work.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const FEW = 10;
/** The targets are for so many; what fewer give is shown without a verdict. */
const TARGET_TOOLSETS = 10_000;

/** The same calls with few and with many toolsets; what a node does when nobody asks anything. */
export const TOOLSETS: Work = {
  name: "toolsets",
  description: "calls beside 10 and many toolsets (--toolsets), an idle node's CPU, a node's start",
  async run(context) {
    const many = context.quick ? 100 : context.toolsets;
    const build = async (count: number) => {
      const stage = await context.stage();
      const agent = await stage.agent();
      const gateway = await stage.gateway();
      const provider = await stage.provider(gateway);
      await grow(context, agent, gateway, count, 1);
      const call = { payload: payloadOf(64) };
      return {
        stage,
        agent,
        gateway,
        contender: toolgateContender("invoke", "unary", { stage, gateway, provider }, call),
      };
    };
    const small = await build(FEW);
    const large = await build(many);
    const { repetitions, warmUpMs, leadMs, windowMs } = context.effort;
    const found: Record<"small" | "large", Measurement[]> = { small: [], large: [] };
    for (const { agent, contender } of [small, large])
      await agent.load({ ...contender, load: { inFlight: 16, leadMs: 0, windowMs: warmUpMs } });
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      for (const name of repetition % 2 === 0 ? (["small", "large"] as const) : (["large", "small"] as const)) {
        const { stage, agent, contender } = { small, large }[name];
        context.progress(`Invoke beside ${name === "small" ? FEW : many} toolsets, repetition ${repetition + 1}`);
        found[name].push(await measure(stage, agent, contender, { inFlight: 16, leadMs, windowMs }));
      }
    }
    const compare = (pick: (measurement: Measurement) => number): number[] =>
      paired(found.large.map(pick), found.small.map(pick), ratio);
    const judged = many >= TARGET_TOOLSETS ? { target: { better: "lower", least: 1.5, aim: 1.1 } as const } : {};
    const what = `${FEW} → ${many} toolsets, Invoke, 16 in flight`;
    context.figure({
      id: "toolsets/median",
      what: `${what}: median`,
      unit: "×",
      values: compare((one) => one.medianMs),
      ...judged,
    });
    context.figure({
      id: "toolsets/redis-cpu",
      what: `${what}: Redis CPU per call`,
      unit: "×",
      values: compare((one) => one.cpuPerCall.redis ?? Number.NaN),
      ...judged,
    });
    await idle(context, large.gateway, many);
    await startTime(context, large.stage, many);
  },
};

/** What a node uses when nobody asks anything. */
async function idle(context: WorkContext, gateway: Gateway, toolsets: number): Promise<void> {
  const spanMs = context.quick ? 1_000 : 10_000;
  const values: number[] = [];
  for (let repetition = 0; repetition < (context.quick ? 1 : 3); repetition += 1) {
    context.progress(`an idle node, repetition ${repetition + 1}`);
    const before = cpuMicros(gateway.pid) ?? Number.NaN;
    const start = performance.now();
    await after(spanMs, undefined, { signal: context.signal });
    values.push(((cpuMicros(gateway.pid) ?? Number.NaN) - before) / (performance.now() - start) / 10);
  }
  context.figure({
    id: "idle/cpu",
    what: `an idle node with ${toolsets} toolsets, share of a core`,
    unit: "%",
    values,
    ...(toolsets >= TARGET_TOOLSETS ? { target: { better: "lower", least: 3, aim: 1 } as const } : {}),
  });
}

async function startTime(context: WorkContext, stage: Stage, toolsets: number): Promise<void> {
  const values: number[] = [];
  for (let repetition = 0; repetition < (context.quick ? 1 : 3); repetition += 1) {
    context.progress(`a node starts, repetition ${repetition + 1}`);
    const start = performance.now();
    await stage.gateway();
    values.push((performance.now() - start) / 1_000);
  }
  context.figure({ id: "start/time", what: `time of a node to start with ${toolsets} toolsets`, unit: "s", values });
}

/** Searches among many tools. */
export const SEARCH: Work = {
  name: "search",
  description: "Search among 100,000 tools",
  async run(context) {
    const toolsets = context.quick ? 20 : 1_000;
    const toolsPerToolset = 100;
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway();
    await grow(context, agent, gateway, toolsets, toolsPerToolset);
    const queries = (count: number) =>
      agent.order<Measurement>({ kind: "search", address: gateway.address, queries: count });
    await queries(100);
    const found: Measurement[] = [];
    for (let repetition = 0; repetition < context.effort.repetitions; repetition += 1) {
      context.progress(`searches, repetition ${repetition + 1}`);
      found.push(await queries(context.quick ? 50 : 400));
    }
    const what = `Search at ${(toolsets * toolsPerToolset).toLocaleString("en")} tools`;
    context.figure({
      id: "search/p99",
      what: `${what}, p99`,
      unit: "ms",
      values: found.map((one) => one.p99Ms),
      ...(context.quick ? {} : { target: { better: "lower", least: 20, aim: 10 } as const }),
    });
    context.figure({
      id: "search/median",
      what: `${what}, median`,
      unit: "ms",
      values: found.map((one) => one.medianMs),
    });
  },
};

/** Fills a catalogue. */
async function grow(
  context: WorkContext,
  agent: Agent,
  { address }: Gateway,
  toolsets: number,
  toolsPerToolset: number,
): Promise<void> {
  const step = 50;
  for (let from = 0; from < toolsets; from += step) {
    context.progress(`${from} of ${toolsets} toolsets are registered`);
    await agent.order({ kind: "register", address, from, to: Math.min(toolsets, from + step), toolsPerToolset });
  }
}
