import { setTimeout as after } from "node:timers/promises";
import type { LoadReport } from "../actors/drive.js";
import { paired, ratio, summarise } from "../figures.js";
import { type Measurement, measure, warmUp } from "../measure.js";
import { cpuMicros } from "../process-cost.js";
import type { Agent, Gateway, Stage } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const FEW = 10;
/** The targets are for this many; what fewer give is shown without a verdict. */
const TARGET_TOOLSETS = 10_000;

/** The same calls with few and with many toolsets; what a node does without requests. */
export const TOOLSETS: Workload = {
  name: "toolsets",
  description: "calls beside 10 and many toolsets (--toolsets), an idle node's CPU, a node's start",
  async run(context) {
    const many = context.quick ? 100 : context.toolsets;
    const build = async (count: number) => {
      const stage = await context.stage();
      const agent = await stage.agent();
      const gateway = await stage.gateway();
      const provider = await stage.provider(gateway);
      await grow(context, agent, gateway, { from: 0, to: count, toolsPerToolset: 1 });
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
    const { repetitions, leadMs, windowMs } = context.effort;
    const found: Record<"small" | "large", Measurement[]> = { small: [], large: [] };
    for (const { stage, agent, contender } of [small, large])
      await warmUp(stage, [{ name: contender.name, parts: [{ agent, contender }] }], context.effort);
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      for (const name of repetition % 2 === 0 ? (["small", "large"] as const) : (["large", "small"] as const)) {
        const { stage, agent, contender } = { small, large }[name];
        context.progress(`Invoke beside ${name === "small" ? FEW : many} toolsets, repetition ${repetition + 1}`);
        found[name].push(await measure(stage, agent, contender, { inFlight: 16, leadMs, windowMs }));
      }
    }
    const compare = (pick: (measurement: Measurement) => number): number[] =>
      paired(found.large.map(pick), found.small.map(pick), ratio);
    const target = many >= TARGET_TOOLSETS ? { target: { better: "lower", least: 1.5, aim: 1.1 } as const } : {};
    const what = `${FEW} → ${many} toolsets, Invoke, 16 in flight`;
    context.figure({
      id: "toolsets/median",
      what: `${what}: median`,
      unit: "×",
      values: compare((one) => one.medianMs),
      ...target,
    });
    context.figure({
      id: "toolsets/redis-cpu",
      what: `${what}: Redis CPU per call`,
      unit: "×",
      values: compare((one) => one.cpuPerCall.redis ?? Number.NaN),
      ...target,
    });
    await idle(context, large.gateway, many);
    await startTime(context, large.stage, many);
  },
};

/** What a node uses without requests. */
async function idle(context: WorkloadContext, gateway: Gateway, toolsets: number): Promise<void> {
  const spanMs = context.quick ? 1_000 : 6_000;
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

async function startTime(context: WorkloadContext, stage: Stage, toolsets: number): Promise<void> {
  const values: number[] = [];
  for (let repetition = 0; repetition < (context.quick ? 1 : 3); repetition += 1) {
    context.progress(`a node starts, repetition ${repetition + 1}`);
    const start = performance.now();
    await stage.gateway();
    values.push((performance.now() - start) / 1_000);
  }
  context.figure({ id: "start/time", what: `time of a node to start with ${toolsets} toolsets`, unit: "s", values });
}

/** Searches among many tools, and lists them. */
export const SEARCH: Workload = {
  name: "search",
  description: "Search and ListToolsets among 100,000 tools",
  async run(context) {
    const toolsets = context.quick ? 20 : 1_000;
    const toolsPerToolset = 100;
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway();
    await grow(context, agent, gateway, { from: 0, to: toolsets, toolsPerToolset });
    const queries = (count: number) =>
      agent.send<Measurement>({ kind: "search", address: gateway.address, queries: count });
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
    await listing(context, agent, gateway, toolsets, toolsets * toolsPerToolset);
  },
};

async function listing(
  context: WorkloadContext,
  agent: Agent,
  { address }: Gateway,
  toolsets: number,
  tools: number,
): Promise<void> {
  const pageSize = 100;
  const found: LoadReport[] = [];
  for (let repetition = 0; repetition <= context.effort.repetitions; repetition += 1) {
    context.progress(`lists, repetition ${repetition}`);
    // The first one only warms up.
    const report = await agent.send<LoadReport>({
      kind: "list",
      address,
      pages: (4 * toolsets) / pageSize || 1,
      pageSize,
    });
    if (repetition > 0) found.push(report);
  }
  const what = `ListToolsets, pages of ${pageSize}, at ${toolsets} toolsets with ${tools.toLocaleString("en")} tools`;
  context.figure({ id: "list/median", what: `${what}, median`, unit: "ms", values: found.map((one) => one.medianMs) });
  context.figure({ id: "list/p99", what: `${what}, p99`, unit: "ms", values: found.map((one) => one.p99Ms) });
}

/** How soon a change is known everywhere. */
export const CHANGES: Workload = {
  name: "changes",
  description: "time until a registration is seen on all of three nodes",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateways = [await stage.gateway(), await stage.gateway(), await stage.gateway()];
    const addresses = gateways.map(({ address }) => address);
    const each = context.quick ? 10 : 100;
    const medians: number[] = [];
    const worst: number[] = [];
    for (let repetition = 0; repetition <= context.effort.repetitions; repetition += 1) {
      context.progress(`registrations, repetition ${repetition}`);
      const [from, to] = [repetition * each, (repetition + 1) * each];
      const times = await agent.send<readonly number[]>({ kind: "changes", addresses, from, to });
      if (repetition === 0) continue; // it only warms up
      const { median, max } = summarise(times);
      medians.push(median);
      worst.push(max);
    }
    const what = "Register until Watch tells of it on all of three nodes";
    context.figure({ id: "changes/median", what: `${what}, median`, unit: "ms", values: medians });
    context.figure({ id: "changes/worst", what: `${what}, slowest of ${each}`, unit: "ms", values: worst });
  },
};

/** Fills a catalogue with toolsets of these numbers. */
export async function grow(
  context: WorkloadContext,
  agent: Agent,
  { address }: Gateway,
  { from, to, toolsPerToolset }: { readonly from: number; readonly to: number; readonly toolsPerToolset: number },
): Promise<void> {
  const step = 50;
  for (let next = from; next < to; next += step) {
    context.progress(`${next - from} of ${to - from} toolsets are registered`);
    await agent.send({ kind: "register", address, from: next, to: Math.min(to, next + step), toolsPerToolset });
  }
}
