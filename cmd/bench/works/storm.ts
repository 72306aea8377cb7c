import { setTimeout as after } from "node:timers/promises";
import type { PacedReport } from "../actors/paced-load.js";
import { cpuMicros } from "../process-cost.js";
import type { Agent, Crowd, Gateway, Stage } from "../stage.js";
import { TOOLSET } from "../stage.js";
import type { Work, WorkContext } from "../work.js";
import { payloadOf } from "./contenders.js";

const CROWD = "crowd";
const ROOM = 4;
/** The providers of one process. */
const PROVIDERS_PER_PROCESS = 5_000;
const NODES = 3;
/** A storm that is not over by then, in milliseconds, is told as it stands. */
const GIVE_UP_MS = 300_000;
/** All serve when they have done so for this long, in milliseconds. */
const STEADY_MS = 3_000;
const LOOK_EVERY_MS = 250;
/** How often somebody else's tool is called, in milliseconds. */
const PACE_MS = 10;
/** How long others are looked at before the storm, in milliseconds. */
const BEFORE_MS = 5_000;
/** Longer than a lease: all of them end. */
const OUTAGE_MS = 40_000;
/** The goals are for these numbers of providers; what fewer or more need is shown without a verdict. */
const GOALS_S: Readonly<Record<number, number>> = { 1000: 15, 10000: 150 };

/** Many providers of one contract that come at once, and what calls of another toolset notice of it. */
export const STORM: Work = {
  name: "storm",
  description: "many providers register at once (--providers), beside other calls",
  async run(context) {
    for (const count of context.providers) await deployment(context, count);
  },
};

/** Many providers whose leases have ended at the same moment. */
export const STORM_AFTER_OUTAGE: Work = {
  name: "storm-after",
  description: `the same, and again after Redis stood still for ${OUTAGE_MS / 1_000} s`,
  async run(context) {
    for (const count of context.providers) await (await deployment(context, count))();
  },
};

/** Resolves to what does the outage next. */
async function deployment(context: WorkContext, count: number): Promise<() => Promise<void>> {
  const { quick } = context;
  context.progress(`${count} providers: starting the processes`);
  const stage = await context.stage();
  const gateways: Gateway[] = [];
  for (let node = 0; node < (quick ? 1 : NODES); node += 1)
    gateways.push(await stage.gateway({ flags: ["--max-sessions", String(count + 100)] }));
  const [first] = gateways;
  if (first === undefined) throw new Error("There is no node.");
  await stage.provider(first);
  const agent = await stage.agent();
  const crowds: Crowd[] = [];
  for (let from = 0; from < count; from += PROVIDERS_PER_PROCESS) crowds.push(await stage.crowd());

  const target = { address: first.address, toolset: TOOLSET, tool: "echo", payload: payloadOf(64) };
  const others = { agent, begin: () => agent.order({ kind: "pace", caller: "unary", target, everyMs: PACE_MS }) };
  context.progress(`${count} providers: the others before`);
  await others.begin();
  await after(quick ? 500 : BEFORE_MS, undefined, { signal: context.signal });
  const before = await agent.order<PacedReport>({ kind: "end_pace" });

  const nodes = gateways.map(({ address }) => address);
  const costs = costsOf(stage, gateways);
  await others.begin();
  const startedAt = performance.now();
  for (const [index, crowd] of crowds.entries()) {
    const size = Math.min(PROVIDERS_PER_PROCESS, count - index * PROVIDERS_PER_PROCESS);
    await crowd.storm({ nodes, toolset: CROWD, count: size, prefix: `crowd-${index}`, room: ROOM });
  }
  const tookMs = await allServe(context, stage, crowds, count, startedAt, "register at once");
  const during = await agent.order<PacedReport>({ kind: "end_pace" });
  tell(context, `storm/deployment-${count}`, `${count} providers register at once`, count, tookMs, before, during);
  context.note(`${count} providers register at once: ${costs()} ${await setbacksOf(crowds)}`);
  return () => outage(context, stage, gateways, crowds, count, before, others);
}

/** Redis stands still for longer than a lease lasts: all providers lose theirs at the same moment. */
async function outage(
  context: WorkContext,
  stage: Stage,
  gateways: readonly Gateway[],
  crowds: readonly Crowd[],
  count: number,
  before: PacedReport,
  { agent, begin }: { readonly agent: Agent; readonly begin: () => Promise<unknown> },
): Promise<void> {
  context.progress(`${count} providers: Redis stands still for ${OUTAGE_MS} ms`);
  process.kill(stage.redisPid, "SIGSTOP");
  try {
    await after(OUTAGE_MS, undefined, { signal: context.signal });
  } finally {
    process.kill(stage.redisPid, "SIGCONT");
  }
  const startedAt = performance.now();
  const costs = costsOf(stage, gateways);
  // Calls are refused until a node has found Redis again: that is the outage's, and not the storm's.
  await answered(context, agent, begin);
  await begin();
  const tookMs = await allServe(context, stage, crowds, count, startedAt, "come back after an outage");
  const during = await agent.order<PacedReport>({ kind: "end_pace" });
  const what = `${count} providers come back after Redis stood still for ${OUTAGE_MS / 1_000} s`;
  tell(context, `storm/outage-${count}`, what, count, tookMs, before, during);
  context.note(`${what}: ${costs()} ${await setbacksOf(crowds)}`);
}

async function answered(context: WorkContext, agent: Agent, begin: () => Promise<unknown>): Promise<void> {
  for (let look = 0; look < 100; look += 1) {
    await begin();
    await after(100, undefined, { signal: context.signal });
    if ((await agent.order<PacedReport>({ kind: "end_pace" })).failed === 0) return;
  }
}

/** How long it took from then on until all of them served, by their own word and by the room that Redis counts; in milliseconds. */
async function allServe(
  context: WorkContext,
  stage: Stage,
  crowds: readonly Crowd[],
  count: number,
  startedAt: number,
  what: string,
): Promise<number> {
  let since: number | undefined;
  for (;;) {
    const states = await Promise.all(crowds.map((crowd) => crowd.look()));
    const serving = states.reduce((sum, state) => sum + state.serving, 0);
    const room = await roomOf(stage);
    context.progress(`${count} providers ${what}: ${serving} serve, room for ${room} calls is known`);
    const now = performance.now();
    since = serving === count && room === count * ROOM ? (since ?? now) : undefined;
    if (since !== undefined && now - since >= (context.quick ? 0 : STEADY_MS)) return since - startedAt;
    if (now - startedAt > GIVE_UP_MS) {
      context.note(
        `Given up after ${GIVE_UP_MS / 1_000} s: ${serving} of ${count} serve, room for ${room} calls is known.`,
      );
      return Number.NaN;
    }
    await after(LOOK_EVERY_MS, undefined, { signal: context.signal });
  }
}

/** How many calls at once the crowd's providers take, as every node reads it. */
async function roomOf(stage: Stage): Promise<number> {
  const [key] = await stage.redis.keys("*:health");
  const fields = key === undefined ? {} : await stage.redis.hgetall(key);
  const health = Object.entries(fields).find(([field]) => field.startsWith(`${CROWD}@`))?.[1];
  return Number(health?.split(" ")[3] ?? 0);
}

/** What the storm has cost when it is over: CPU time of the nodes and of Redis. */
function costsOf(stage: Stage, gateways: readonly Gateway[]): () => string {
  const read = () => ({
    redis: cpuMicros(stage.redisPid) ?? Number.NaN,
    nodes: gateways.map(({ pid }) => cpuMicros(pid) ?? Number.NaN).reduce((sum, one) => sum + one, 0),
  });
  const before = read();
  return () => {
    const now = read();
    const seconds = (micros: number): string => `${(micros / 1_000_000).toFixed(1)} s`;
    return `CPU of Redis ${seconds(now.redis - before.redis)}, of ${gateways.length} nodes ${seconds(now.nodes - before.nodes)}.`;
  };
}

/** What the providers met with since they started. */
async function setbacksOf(crowds: readonly Crowd[]): Promise<string> {
  const all = new Map<string, number>();
  for (const { setbacks } of await Promise.all(crowds.map((crowd) => crowd.look())))
    for (const [why, times] of Object.entries(setbacks)) all.set(why, (all.get(why) ?? 0) + times);
  return all.size === 0
    ? "No provider was refused."
    : `Providers met with: ${[...all].map(([why, times]) => `${times} × ${why}`).join(", ")}.`;
}

function tell(
  context: WorkContext,
  id: string,
  what: string,
  count: number,
  tookMs: number,
  before: PacedReport,
  during: PacedReport,
): void {
  const goal = GOALS_S[count];
  context.figure({
    id: `${id}/time`,
    what: `${what}: until all serve`,
    unit: "s",
    values: [tookMs / 1_000],
    ...(goal === undefined ? {} : { target: { better: "lower", least: goal } as const }),
  });
  context.figure({
    id: `${id}/others-p99`,
    what: `${what}: p99 of other calls against before`,
    unit: "×",
    values: [during.p99Ms / before.p99Ms],
    ...(context.quick ? {} : { target: { better: "lower", least: 3 } as const }),
  });
  context.figure({
    id: `${id}/others-failed`,
    what: `${what}: other calls that failed`,
    unit: "",
    values: [during.failed],
  });
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  context.note(
    `${what}: others' median ${ms(before.medianMs)} → ${ms(during.medianMs)}, p99 ${ms(before.p99Ms)} → ${ms(during.p99Ms)}, ` +
      `longest ${ms(before.maxMs)} → ${ms(during.maxMs)}; ${during.failed} of ${during.calls} failed` +
      `${during.failure === undefined ? "" : `: ${during.failure}`}.`,
  );
}
