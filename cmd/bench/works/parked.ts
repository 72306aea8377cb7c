import { setTimeout as after } from "node:timers/promises";
import { ratio } from "../figures.js";
import { measure } from "../measure.js";
import { type Stage, TOOLSET } from "../stage.js";
import type { Work, WorkContext } from "../work.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const HELD = "held";
const ARRIVED_WITHIN_MS = 60_000;

/** Calls that wait: what they cost those that do not, and what each one holds. */
export const PARKED: Work = {
  name: "parked",
  description: "throughput beside waiting calls, and a node's memory per waiting call",
  async run(context) {
    const calls = context.quick ? 500 : 4_000;
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const parker = await stage.agent();
    const gateway = await stage.gateway();
    const provider = await stage.provider(gateway);
    await stage.provider(gateway, { toolset: HELD });
    const target = { address: gateway.address, toolset: HELD, tool: "hold", payload: payloadOf(64) };
    const session = toolgateContender("session", "session", { stage, gateway, provider }, { payload: payloadOf(64) });
    const { repetitions, warmUpMs, leadMs, windowMs } = context.effort;
    const load = { inFlight: 64, leadMs, windowMs };
    await agent.load({ ...session, load: { inFlight: 64, leadMs: 0, windowMs: 2 * warmUpMs } });

    const kept: number[] = [];
    const held = { invoke: [] as number[], session: [] as number[] };
    const resident = { invoke: [] as number[], session: [] as number[] };
    for (let repetition = 0; repetition <= repetitions; repetition += 1) {
      for (const how of ["session", "invoke"] as const) {
        context.progress(`${calls} calls wait (${how})`);
        const empty = await gateway.memory();
        const free = how === "session" ? await measure(stage, agent, session, load) : undefined;
        await parker.order({ kind: "park", how, target, calls });
        await waitingCalls(context, stage, (waiting) => waiting >= calls);
        const full = await gateway.memory();
        const beside = how === "session" ? await measure(stage, agent, session, load) : undefined;
        await parker.order({ kind: "release" });
        await waitingCalls(context, stage, (waiting) => waiting === 0);
        if (repetition === 0) continue; // the first time, the process grows once and for all
        held[how].push((full.heldBytes - empty.heldBytes) / calls / 1_000);
        resident[how].push((full.rssBytes - empty.rssBytes) / calls / 1_000);
        if (free && beside) kept.push(100 * ratio(beside.perSecond, free.perSecond));
      }
    }
    context.figure({
      id: "parked/kept",
      what: `throughput kept with ${calls} waiting calls, Session, 64 in flight`,
      unit: "%",
      values: kept,
      target: { better: "higher", least: 85, aim: 95 },
    });
    for (const [how, label, least, aim] of [
      ["invoke", "Invoke", 14, 10],
      ["session", "Session", 4, 2.5],
    ] as const) {
      context.figure({
        id: `parked/memory-${how}`,
        what: `node memory per waiting call, ${label} (agent's and provider's side)`,
        unit: "KB",
        values: held[how],
        target: { better: "lower", least, aim },
      });
      context.figure({
        id: `parked/rss-${how}`,
        what: `the same, resident, ${label}`,
        unit: "KB",
        values: resident[how],
      });
    }
  },
};

/** Waits until as many calls are unfinished as wanted. */
async function waitingCalls(
  { signal }: WorkContext,
  stage: Stage,
  enough: (waiting: number) => boolean,
  toolset = HELD,
): Promise<void> {
  const giveUpAt = performance.now() + ARRIVED_WITHIN_MS;
  const [key] = await stage.redis.keys(`*requests:${toolset}:*`);
  for (;;) {
    const waiting = key === undefined ? 0 : await stage.redis.xlen(key);
    if (enough(waiting)) return;
    if (performance.now() > giveUpAt)
      throw new Error(
        `${waiting} calls of "${toolset}" are unfinished after ${ARRIVED_WITHIN_MS} ms, which is not what was awaited.`,
      );
    await after(20, undefined, { signal });
  }
}

/** Admission while many calls wait in line, beside admission to an empty line. */
export const BACKLOG: Work = {
  name: "backlog",
  description: "admission with a backlog of 10,000 calls of 4 KiB, and Redis's memory per finished call",
  async run(context) {
    const calls = context.quick ? 1_000 : 10_000;
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway();
    const lines = ["short", "long"] as const;
    for (const toolset of lines) await stage.provider(gateway, { toolset, room: 1 });
    const payload = payloadOf(4_096);
    const admit = (toolset: string, maxCalls: number) =>
      agent.load({
        caller: "admission",
        target: { address: gateway.address, toolset, tool: "hold", payload },
        load: { inFlight: 16, leadMs: 0, windowMs: 120_000, maxCalls },
      });
    context.progress(`${calls} calls get in line`);
    await admit("short", 200);
    await admit("long", calls);
    const values: number[] = [];
    for (let repetition = 0; repetition < 2 * context.effort.repetitions; repetition += 1) {
      context.progress(`admission, repetition ${repetition + 1}`);
      const order = repetition % 2 === 0 ? lines : lines.toReversed();
      const median: Record<string, number> = {};
      for (const toolset of order) median[toolset] = (await admit(toolset, 200)).medianMs;
      values.push((median.long ?? Number.NaN) / (median.short ?? Number.NaN));
    }
    context.figure({
      id: "backlog/admission",
      what: `admission (median) with a backlog of ${calls} × 4 KiB against a short one`,
      unit: "×",
      values,
      target: { better: "lower", least: 1.1, aim: 1 },
    });
    await finishedCalls(context);
  },
};

/** What Redis keeps of a call that is over. */
async function finishedCalls(context: WorkContext): Promise<void> {
  const calls = context.quick ? 1_000 : 10_000;
  context.progress("starting the processes");
  const stage = await context.stage();
  const agent = await stage.agent();
  const gateway = await stage.gateway();
  await stage.provider(gateway);
  const target = { address: gateway.address, toolset: TOOLSET, tool: "echo", payload: payloadOf(64) };
  const run = (maxCalls: number) =>
    agent.load({ caller: "session", target, load: { inFlight: 64, leadMs: 0, windowMs: 120_000, maxCalls } });
  await run(1_000);
  const values: number[] = [];
  for (let repetition = 0; repetition < context.effort.repetitions; repetition += 1) {
    context.progress(`${calls} calls end, repetition ${repetition + 1}`);
    const before = await usedMemory(stage);
    await run(calls);
    values.push(((await usedMemory(stage)) - before) / calls);
  }
  context.figure({
    id: "finished/redis-memory",
    what: "Redis memory per finished call of 64 B",
    unit: "B",
    values,
    target: { better: "lower", least: 600, aim: 300 },
  });
}

/** What the data takes: without the clients' buffers, which come and go. */
async function usedMemory(stage: Stage): Promise<number> {
  return Number(/^used_memory_dataset:(\d+)/m.exec(await stage.redis.info("memory"))?.[1] ?? Number.NaN);
}
