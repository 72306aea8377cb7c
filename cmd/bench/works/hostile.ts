import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { PacedReport } from "../actors/paced-load.js";
import type { AttackReport } from "../hostile/attack.js";
import type { LongestTurn } from "../loop-meter.js";
import type { HeldMemory } from "../probe.js";
import { profileTable } from "../profile-summary.js";
import { type Gateway, TOOLSET } from "../stage.js";
import type { Work, WorkContext } from "../work.js";
import { payloadOf } from "./contenders.js";

/** How often the good client calls, in milliseconds. */
const PACE_MS = 10;
/** How long it is looked at before the attack, in milliseconds. */
const BEFORE_MS = 10_000;
const QUICK_BEFORE_MS = 1_000;
/** How long after the attack the node's memory is looked at, in milliseconds: workers without work have ended then. */
const SETTLE_MS = 80_000;
const QUICK_SETTLE_MS = 1_000;
const MIB = 1_048_576;

/** Hostile schemas and values of all kinds, and what a good client and the node notice of them. */
export const HOSTILE: Work = {
  name: "hostile",
  description: "hostile schemas and values are thrown at a node, beside a good client's calls",
  async run(context) {
    const { quick, signal } = context;
    const stage = await context.stage();
    const gateway = await stage.gateway();
    await stage.provider(gateway);
    const agent = await stage.agent();
    const target = { address: gateway.address, toolset: TOOLSET, tool: "echo", payload: payloadOf(64) };
    const begin = (): Promise<unknown> => agent.order({ kind: "pace", caller: "unary", target, everyMs: PACE_MS });
    const end = (): Promise<PacedReport> => agent.order({ kind: "end_pace" });

    context.progress("the good client before the attack");
    await begin(); // all of it is warm then
    await after(quick ? QUICK_BEFORE_MS : BEFORE_MS, undefined, { signal });
    await end();
    const memoryBefore = await gateway.memory();
    await begin();
    await after(quick ? QUICK_BEFORE_MS : BEFORE_MS, undefined, { signal });
    const before = await end();

    context.progress("the attack");
    if (context.profileFolder !== undefined) await gateway.startProfile();
    await gateway.watchTurns();
    await begin();
    const attack = await stage.attack({
      address: gateway.address,
      connections: 8,
      atOnce: 2,
      rounds: quick ? 1 : 2,
      registerMs: quick ? 2_000 : 8_000,
      callMs: quick ? 1_000 : 4_000,
    });
    const during = await end();
    const turn = await gateway.longestTurn();
    if (context.profileFolder !== undefined) await profiled(context, gateway, turn, context.profileFolder);
    context.progress("the node after the attack");
    await after(quick ? QUICK_SETTLE_MS : SETTLE_MS, undefined, { signal });
    tell(context, attack, before, during, turn, memoryBefore, await gateway.memory());
  },
};

/** What the node did during the attack, and in the longest turn. A profiled node is slower. */
async function profiled(context: WorkContext, gateway: Gateway, turn: LongestTurn, folder: string): Promise<void> {
  await mkdir(resolve(folder), { recursive: true });
  const file = join(resolve(folder), "gateway-hostile.cpuprofile");
  await gateway.stopProfile(file);
  context.note(`A node under attack (${file}):\n${await profileTable(file, 1)}`);
  context.note(`Its longest turn:\n${await profileTable(file, 1, turn)}`);
}

function tell(
  context: WorkContext,
  attack: AttackReport,
  before: PacedReport,
  during: PacedReport,
  turn: LongestTurn,
  memoryBefore: HeldMemory,
  memoryAfter: HeldMemory,
): void {
  const what = `${attack.inputs} hostile inputs`;
  const most = (least: number) => (context.quick ? {} : { target: { better: "lower", least } as const });
  const grown = (memoryAfter.residentBytes - memoryBefore.residentBytes) / MIB;
  context.figure({
    ...{ id: "hostile/good-p99", what: `${what}: p99 of a good client's calls against before`, unit: "×" },
    ...{ values: [during.p99Ms / before.p99Ms], ...most(10) },
  });
  context.figure({
    ...{ id: "hostile/good-failed", what: `${what}: a good client's calls that failed`, unit: "" },
    ...{ values: [during.failed], ...most(0) },
  });
  context.figure({
    ...{ id: "hostile/turn", what: `${what}: longest turn of the node's event loop, CPU time`, unit: "ms" },
    ...{ values: [turn.cpuMs ?? Number.NaN], ...most(50) },
  });
  context.figure({
    ...{ id: "hostile/memory", what: `${what}: what the node's memory has grown by afterwards`, unit: "MiB" },
    ...{ values: [grown], ...most(64) },
  });
  context.figure({
    ...{ id: "hostile/wrong", what: `${what}: answers that were neither right nor a clear refusal`, unit: "" },
    ...{ values: [attack.wrong.length], ...most(0) },
  });
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const mib = ({ residentBytes, heldBytes }: HeldMemory): string =>
    `${(residentBytes / MIB).toFixed(0)} MiB (${(heldBytes / MIB).toFixed(0)} in the main thread's heap)`;
  context.note(
    `${what}, ${attack.requests} requests in ${(attack.tookMs / 1_000).toFixed(0)} s: the good client's median ` +
      `${ms(before.medianMs)} → ${ms(during.medianMs)}, p99 ${ms(before.p99Ms)} → ${ms(during.p99Ms)}, longest ` +
      `${ms(before.maxMs)} → ${ms(during.maxMs)}; ${during.failed} of ${during.calls} failed` +
      `${during.failure === undefined ? "" : `: ${during.failure}`}. The longest turn took ${ms(turn.cpuMs ?? Number.NaN)} of ` +
      `CPU time, ${ms(turn.wallMs)} on the wall. Memory ${mib(memoryBefore)} → ${mib(memoryAfter)}.`,
  );
  context.note(
    `Answers: ${counted(attack.answers)}.\n${Object.entries(attack.byInput)
      .map(([input, answers]) => `  ${input}: ${counted(answers)}`)
      .join("\n")}`,
  );
  if (attack.wrong.length > 0) context.note(`Neither right nor a clear refusal:\n  ${attack.wrong.join("\n  ")}`);
}

function counted(answers: Readonly<Record<string, number>>): string {
  return Object.entries(answers)
    .map(([answer, times]) => `${times} × ${answer}`)
    .join(", ");
}
