import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { readHealth } from "../../../src/store/registry/health-entry.js";
import type { LoopReport } from "../loop-turns.js";
import { cpuMicros, machineCpuMicros, starvedMicros } from "../process-cost.js";
import { profileTable } from "../profile-summary.js";
import { redisCost } from "../redis-cost.js";
import type { Crowd, Gateway, Stage } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { OtherCalls, type OtherCallsReport } from "./other-calls.js";

const CROWD = "crowd";
const ROOM = 4;
/** The providers of one process. */
const PROVIDERS_PER_PROCESS = 5_000;
const NODES = 3;
/** A storm that is not over by then, in milliseconds, is reported as it stands. */
const GIVE_UP_MS = 300_000;
/** All serve when they have done so for this long, in milliseconds. */
const STEADY_MS = 3_000;
const LOOK_EVERY_MS = 250;
/** How long others are looked at before the storm, in milliseconds. */
const BEFORE_MS = 5_000;
/** Longer than a lease: all of them end. */
const OUTAGE_MS = 40_000;
/** The goals are for these numbers of providers; what fewer or more need is shown without a verdict. */
const GOALS_S: Readonly<Record<number, number>> = { 1000: 15, 10000: 150 };

/** Many providers of one contract that come at once, and what calls of another toolset notice of it. */
export const STORM: Workload = {
  name: "storm",
  description: "many providers register at once (--providers), beside other calls",
  async run(context) {
    for (const count of context.providers) await deployment(context, count);
  },
};

/** Many providers whose leases have ended at the same moment. */
export const STORM_AFTER_OUTAGE: Workload = {
  name: "storm-after",
  description: `the same, and again after Redis stood still for ${OUTAGE_MS / 1_000} s`,
  async run(context) {
    for (const count of context.providers) await (await deployment(context, count))();
  },
};

/** What takes part in a storm. */
interface Scene {
  readonly stage: Stage;
  readonly gateways: readonly Gateway[];
  readonly crowds: readonly Crowd[];
  readonly count: number;
  readonly others: OtherCalls;
  /** The others before the storm. */
  readonly before: OtherCallsReport;
}

/** Resolves to what does the outage next. */
async function deployment(context: WorkloadContext, count: number): Promise<() => Promise<void>> {
  const { quick } = context;
  context.progress(`${count} providers: starting the processes`);
  const stage = await context.stage();
  const gateways: Gateway[] = [];
  const most = String(count + 100); // all of them come from one host here
  for (let node = 0; node < (quick ? 1 : NODES); node += 1)
    gateways.push(await stage.gateway({ flags: ["--max-sessions", most, "--max-sessions-per-host", most] }));
  const [first] = gateways;
  if (first === undefined) throw new Error("There is no node.");
  const others = await OtherCalls.start(stage, first, await context.stage());
  const crowds: Crowd[] = [];
  for (let from = 0; from < count; from += PROVIDERS_PER_PROCESS) crowds.push(await stage.crowd());

  context.progress(`${count} providers: the others before`);
  const before = await others.during(quick ? 500 : BEFORE_MS, context.signal);
  const scene: Scene = { stage, gateways, crowds, count, others, before };

  const nodes = gateways.map(({ address }) => address);
  const costs = await costsOf(scene);
  await others.begin();
  if (context.profileFolder !== undefined) await first.startProfile();
  await Promise.all(gateways.map((gateway) => gateway.watchLoop()));
  const startedAt = performance.now();
  for (const [index, crowd] of crowds.entries()) {
    const size = Math.min(PROVIDERS_PER_PROCESS, count - index * PROVIDERS_PER_PROCESS);
    await crowd.storm({ nodes, toolset: CROWD, count: size, prefix: `crowd-${index}`, room: ROOM });
  }
  const tookMs = await allServe(context, scene, startedAt, "register at once");
  const during = await others.end();
  const what = `${count} providers register at once`;
  await reportLoops(context, scene, `storm/deployment-${count}`, what);
  report(context, scene, `storm/deployment-${count}`, what, tookMs, during);
  context.note(`${what}: ${await costs(performance.now() - startedAt)} ${await setbacksOf(crowds)}`);
  if (context.profileFolder !== undefined) await reportProfile(context, context.profileFolder, first, count);
  return () => outage(context, scene);
}

/** How long the storm alone made others wait, whatever else ran on the machine. */
async function reportLoops(context: WorkloadContext, { gateways }: Scene, id: string, what: string): Promise<void> {
  const loops = await Promise.all(gateways.map((gateway) => gateway.loop()));
  const worst = (part: keyof LoopReport): number => Math.max(...loops.map((loop) => loop[part]));
  context.figure({
    id: `${id}/loop-p99`,
    what: `${what}: wait for a node's event loop, p99, by CPU time, worst of ${gateways.length}`,
    unit: "ms",
    values: [worst("p99Ms")],
  });
  context.figure({
    id: `${id}/loop-longest`,
    what: `${what}: longest turn of a node's event loop, by CPU time, worst of ${gateways.length}`,
    unit: "ms",
    values: [worst("longestMs")],
  });
}

/** Where the time of one of the nodes went. */
async function reportProfile(context: WorkloadContext, folder: string, node: Gateway, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = resolve(folder, `gateway-storm-${count}.cpuprofile`);
  await node.stopProfile(file);
  const table = await profileTable(file, count / NODES);
  context.note(`One of ${NODES} nodes, by provider where each has its share (${file}):\n${table}`);
}

/** Redis stands still for longer than a lease lasts: all providers lose theirs at the same moment. */
async function outage(context: WorkloadContext, scene: Scene): Promise<void> {
  const { stage, crowds, count, others } = scene;
  context.progress(`${count} providers: Redis stands still for ${OUTAGE_MS} ms`);
  process.kill(stage.redisPid, "SIGSTOP");
  try {
    await after(OUTAGE_MS, undefined, { signal: context.signal });
  } finally {
    process.kill(stage.redisPid, "SIGCONT");
  }
  const startedAt = performance.now();
  const costs = await costsOf(scene);
  await Promise.all(scene.gateways.map((gateway) => gateway.watchLoop()));
  // Calls are refused until a node has found Redis again: that is the outage's, and not the storm's.
  await answered(context, others);
  await others.begin();
  const tookMs = await allServe(context, scene, startedAt, "come back after an outage");
  const during = await others.end();
  const what = `${count} providers come back after Redis stood still for ${OUTAGE_MS / 1_000} s`;
  await reportLoops(context, scene, `storm/outage-${count}`, what);
  report(context, scene, `storm/outage-${count}`, what, tookMs, during);
  context.note(`${what}: ${await costs(performance.now() - startedAt)} ${await setbacksOf(crowds)}`);
}

async function answered(context: WorkloadContext, others: OtherCalls): Promise<void> {
  for (let look = 0; look < 100; look += 1) if ((await others.during(100, context.signal)).here.failed === 0) return;
}

/** How long it took from then on until all of them served, by their own word and by the room that Redis counts; in milliseconds. */
async function allServe(
  context: WorkloadContext,
  { stage, crowds, count }: Scene,
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
  return readHealth(health).room;
}

/** What the storm has cost when it is over: which processes used how much CPU time, and how long the nodes wanted for a core. */
async function costsOf({
  stage,
  gateways,
  crowds,
  others,
  count,
}: Scene): Promise<(tookMs: number) => Promise<string>> {
  const cpu = (pids: readonly number[]): number => sumOf(pids.map((pid) => cpuMicros(pid)));
  const nodes = gateways.map(({ pid }) => pid);
  const read = async () => ({
    ...(await redisCost(stage.redis)),
    redis: cpu([stage.redisPid]),
    nodes: cpu(nodes),
    providers: cpu(crowds.map(({ pid }) => pid)),
    others: cpu(others.pids),
    all: machineCpuMicros() ?? Number.NaN,
    starved: sumOf(nodes.map((pid) => starvedMicros(pid))),
  });
  const before = await read();
  return async (tookMs) => {
    const now = await read();
    const seconds = (part: keyof typeof now): string => `${((now[part] - before[part]) / 1_000_000).toFixed(1)} s`;
    const each = (part: "scripts" | "commands"): string => ((now[part] - before[part]) / count).toFixed(1);
    const { length } = gateways;
    return (
      `CPU of ${length} nodes ${seconds("nodes")}, of Redis ${seconds("redis")}, of the storm's providers ${seconds("providers")}, ` +
      `of the agents ${seconds("others")}, of the whole machine ${seconds("all")} in ${(tookMs / 1_000).toFixed(1)} s; ` +
      `the nodes waited for a core for ${seconds("starved")}; Redis ran ${each("scripts")} scripts and ${each("commands")} commands per provider.`
    );
  };
}

/** What is not known makes the sum unknown. */
function sumOf(parts: readonly (number | undefined)[]): number {
  return parts.reduce<number>((sum, part) => sum + (part ?? Number.NaN), 0);
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

function report(
  context: WorkloadContext,
  { count, before }: Scene,
  id: string,
  what: string,
  tookMs: number,
  during: OtherCallsReport,
): void {
  const goal = GOALS_S[count];
  context.figure({
    id: `${id}/time`,
    what: `${what}: until all serve`,
    unit: "s",
    values: [tookMs / 1_000],
    ...(goal === undefined ? {} : { target: { better: "lower", least: goal } as const }),
  });
  const growth = (where: keyof OtherCallsReport): number => during[where].p99Ms / before[where].p99Ms;
  // What the machine's cores were too few for is not the nodes' to mend.
  const own = growth("here") / Math.max(1, growth("beside"));
  context.figure({
    id: `${id}/others-p99`,
    what: `${what}: p99 of other calls against before, beside the same ratio of a cluster without a storm`,
    unit: "×",
    values: [own],
    ...(context.quick ? {} : { target: { better: "lower", least: 3 } as const }),
  });
  for (const [where, place] of [
    ["here", "of other calls"],
    ["beside", "of calls of a cluster without a storm, on the same machine"],
  ] as const) {
    const ratio = `${what}: p99 ${place} against before`;
    context.figure({ id: `${id}/p99-${where}`, what: ratio, unit: "×", values: [growth(where)] });
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    const [was, is] = [before[where], during[where]];
    context.note(
      `${what}, ${place}: median ${ms(was.medianMs)} → ${ms(is.medianMs)}, p99 ${ms(was.p99Ms)} → ${ms(is.p99Ms)}, ` +
        `longest ${ms(was.maxMs)} → ${ms(is.maxMs)}; ${is.failed} of ${is.calls} failed` +
        `${is.failure === undefined ? "" : `: ${is.failure}`}. ` +
        `Longest by second: ${Array.from(is.longestBySecondMs, (longest = 0) => longest.toFixed(0)).join(" ")}.`,
    );
  }
  context.figure({
    id: `${id}/others-failed`,
    what: `${what}: other calls that failed`,
    unit: "",
    values: [during.here.failed],
  });
}
