import { setTimeout as after } from "node:timers/promises";
import { ratio } from "../figures.js";
import { measure, warmUp } from "../measure.js";
import { redisMemoryBytes } from "../redis-cost.js";
import { type Stage, TOOLSET } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const HELD = "held";
const ARRIVED_WITHIN_MS = 60_000;

/** Calls that wait: what they cost those that do not, and what each one holds. */
export const PARKED: Workload = {
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
    const { repetitions, leadMs, windowMs } = context.effort;
    const load = { inFlight: 64, leadMs, windowMs };
    await warmUp(stage, [{ name: session.name, parts: [{ agent, contender: session }] }], context.effort);

    const park = async (how: "invoke" | "session", more: number, inAll: number): Promise<void> => {
      await parker.send({ kind: "park", how, target, calls: more });
      await waitingCalls(context, stage, (waiting) => waiting >= inAll);
    };
    const release = async (): Promise<void> => {
      await parker.send({ kind: "release" });
      await waitingCalls(context, stage, (waiting) => waiting === 0);
    };

    // The node compiles the tool's schema for its first call. Of a burst that comes meanwhile it keeps 1,024 (docs/schemas.md).
    await park("session", 1, 1);
    await release();

    const kept: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      context.progress(`beside ${calls} waiting calls, repetition ${repetition + 1}`);
      const before = await measure(stage, agent, session, load);
      await park("session", calls, calls);
      const beside = await measure(stage, agent, session, load);
      await release();
      // Before and after, so that neither a machine that gets busier nor a process that gets faster counts.
      const after = await measure(stage, agent, session, load);
      kept.push(100 * ratio(beside.perSecond, (before.perSecond + after.perSecond) / 2));
    }
    context.figure({
      id: "parked/kept",
      what: `throughput kept with ${calls} waiting calls, Session, 64 in flight`,
      unit: "%",
      values: kept,
      ...(context.quick ? {} : { target: { better: "higher", least: 85, aim: 95 } }),
    });

    for (const [how, label, least, aim] of [
      ["invoke", "Invoke", 14, 10],
      ["session", "Session", 4, 2.5],
    ] as const) {
      const held: number[] = [];
      const half = calls / 2;
      // What the second half adds: the first one finds room that calls before it have left.
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        context.progress(`memory of ${calls} waiting calls (${how}), repetition ${repetition + 1}`);
        await park(how, half, half);
        const first = await gateway.memory();
        await park(how, half, calls);
        const both = await gateway.memory();
        await release();
        held.push((both.heldBytes - first.heldBytes) / half / 1_000);
      }
      context.figure({
        id: `parked/memory-${how}`,
        what: `node memory per waiting call, ${label} (agent's and provider's side)`,
        unit: "KB",
        values: held,
        target: { better: "lower", least, aim },
      });
    }
  },
};

/** Waits until as many calls are unfinished as wanted. */
async function waitingCalls(
  { signal }: WorkloadContext,
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
export const BACKLOG: Workload = {
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
      ...(context.quick ? {} : { target: { better: "lower", least: 1.1, aim: 1 } }),
    });
    await finishedCalls(context);
  },
};

/** What Redis keeps of a call that is over. */
async function finishedCalls(context: WorkloadContext): Promise<void> {
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
    const before = await redisMemoryBytes(stage.redis);
    await run(calls);
    values.push(((await redisMemoryBytes(stage.redis)) - before) / calls);
  }
  context.figure({
    id: "finished/redis-memory",
    what: "Redis memory per finished call of 64 B",
    unit: "B",
    values,
    target: { better: "lower", least: 600, aim: 300 },
  });
}
