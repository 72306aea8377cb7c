import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { AttackReport } from "../hostile/attack.js";
import type { LongestTurn } from "../loop-meter.js";
import type { HeldMemory } from "../probe.js";
import { profileTable } from "../profile-summary.js";
import type { Gateway } from "../stage.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { OtherCalls, type OtherCallsReport } from "./other-calls.js";

/** How long it is looked at before the attack, in milliseconds. */
const BEFORE_MS = 10_000;
const QUICK_BEFORE_MS = 1_000;
/** How long after the attack the node's memory is looked at, in milliseconds: workers without work have ended then. */
const SETTLE_MS = 80_000;
const QUICK_SETTLE_MS = 1_000;
const MIB = 1_048_576;

/** Hostile schemas and values of all kinds, and what a good client and the node notice of them. */
export const HOSTILE: Workload = {
  name: "hostile",
  description: "hostile schemas and values are thrown at a node, beside a good client's calls",
  async run(context) {
    const { quick, signal } = context;
    const stage = await context.stage();
    const gateway = await stage.gateway();
    const good = await OtherCalls.start(stage, gateway, await context.stage());

    context.progress("the good client before the attack");
    await good.during(quick ? QUICK_BEFORE_MS : BEFORE_MS, signal); // all of it is warm then
    const memoryBefore = await gateway.memory();
    const before = await good.during(quick ? QUICK_BEFORE_MS : BEFORE_MS, signal);

    context.progress("the attack");
    if (context.profileFolder !== undefined) await gateway.startProfile();
    await gateway.watchTurns();
    await good.begin();
    const attack = await stage.attack({
      address: gateway.address,
      connections: 8,
      atOnce: 2,
      rounds: quick ? 1 : 2,
      registerMs: quick ? 2_000 : 8_000,
      callMs: quick ? 1_000 : 4_000,
    });
    const during = await good.end();
    const turn = await gateway.longestTurn();
    if (context.profileFolder !== undefined) await profiled(context, gateway, turn, context.profileFolder);
    context.progress("the node after the attack");
    await after(quick ? QUICK_SETTLE_MS : SETTLE_MS, undefined, { signal });
    report(context, attack, before, during, turn, memoryBefore, await gateway.memory());
  },
};

/** What the node did during the attack, and in the longest turn. A profiled node is slower. */
async function profiled(context: WorkloadContext, gateway: Gateway, turn: LongestTurn, folder: string): Promise<void> {
  await mkdir(resolve(folder), { recursive: true });
  const file = join(resolve(folder), "gateway-hostile.cpuprofile");
  await gateway.stopProfile(file);
  context.note(`A node under attack (${file}):\n${await profileTable(file, 1)}`);
  context.note(`Its longest turn:\n${await profileTable(file, 1, turn)}`);
}

function report(
  context: WorkloadContext,
  attack: AttackReport,
  before: OtherCallsReport,
  during: OtherCallsReport,
  turn: LongestTurn,
  memoryBefore: HeldMemory,
  memoryAfter: HeldMemory,
): void {
  const what = `${attack.inputs} hostile inputs`;
  const most = (least: number) => (context.quick ? {} : { target: { better: "lower", least } as const });
  const grown = (memoryAfter.residentBytes - memoryBefore.residentBytes) / MIB;
  const growth = (where: keyof OtherCallsReport): number => during[where].p99Ms / before[where].p99Ms;
  context.figure({
    id: "hostile/good-p99",
    what: `${what}: p99 of a good client's calls against before, beside the same ratio of a cluster that is not attacked`,
    unit: "×",
    // What the machine's cores were too few for is not the node's to mend.
    ...{ values: [growth("here") / Math.max(1, growth("beside"))], ...most(10) },
  });
  for (const [where, whose] of [
    ["here", "a good client's calls"],
    ["beside", "calls of a cluster that is not attacked, on the same machine,"],
  ] as const) {
    const ratio = `${what}: p99 of ${whose} against before`;
    context.figure({ id: `hostile/p99-${where}`, what: ratio, unit: "×", values: [growth(where)] });
    const [was, is] = [before[where], during[where]];
    context.note(
      `${what}, ${whose}: median ${ms(was.medianMs)} → ${ms(is.medianMs)}, p99 ${ms(was.p99Ms)} → ${ms(is.p99Ms)}, longest ` +
        `${ms(was.maxMs)} → ${ms(is.maxMs)}; ${is.failed} of ${is.calls} failed` +
        `${is.failure === undefined ? "" : `: ${is.failure}`}.`,
    );
  }
  context.figure({
    ...{ id: "hostile/good-failed", what: `${what}: a good client's calls that failed`, unit: "" },
    ...{ values: [during.here.failed], ...most(0) },
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
  const mib = ({ residentBytes, heldBytes }: HeldMemory): string =>
    `${(residentBytes / MIB).toFixed(0)} MiB (${(heldBytes / MIB).toFixed(0)} in the main thread's heap)`;
  context.note(
    `${what}, ${attack.requests} requests in ${(attack.tookMs / 1_000).toFixed(0)} s. The longest turn took ` +
      `${ms(turn.cpuMs ?? Number.NaN)} of CPU time, ${ms(turn.wallMs)} on the wall. Memory ${mib(memoryBefore)} → ${mib(memoryAfter)}.`,
  );
  context.note(
    `Answers: ${counted(attack.answers)}.\n${Object.entries(attack.byInput)
      .map(([input, answers]) => `  ${input}: ${counted(answers)}`)
      .join("\n")}`,
  );
  if (attack.wrong.length > 0) context.note(`Neither right nor a clear refusal:\n  ${attack.wrong.join("\n  ")}`);
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

function counted(answers: Readonly<Record<string, number>>): string {
  return Object.entries(answers)
    .map(([answer, times]) => `${times} × ${answer}`)
    .join(", ");
}
