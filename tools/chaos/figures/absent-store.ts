import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceError } from "@grpc/grpc-js";
import type { InvokeResponse__Output } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { readError } from "../../../src/sdk/request.js";
import { TOOLS } from "../call-plan.js";
import { answerOf, type GatewayClient } from "../gateway-client.js";
import { machineMs } from "../machine-clock.js";
import { StandaloneStore } from "../standalone-store.js";
import { countFigure, type Figure, thousands, timeFigure } from "./figure.js";
import { pace, work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const TOOLSET = "orders";
const PER_SECOND = 500;
const WITHIN_MS = 100;
/** A leak of 300 bytes per call would show: each gateway refuses 50,000 calls. */
const MAX_GROWTH_MIB = 16;
/** The share of the time at its beginning in which memory may still grow: buffers, compiled code, the collector's rhythm. */
const WARM_UP_SHARE = 0.2;
const PAGE_BYTES = 4_096;

/** Redis is killed and stays away; calls go on to come at every gateway. */
export async function absentStore(scene: Scene): Promise<Figure[]> {
  const durationMs = scene.quick ? 3_000 : 300_000;
  const store = new StandaloneStore(scene.redisServer, join(scene.folder, "redis"));
  return await withCluster(scene, { store, toolsets: { [TOOLSET]: 1 } }, async ({ gateways }) => {
    const clients = gateways.map(({ client }) => client);
    for (const client of clients) await answered(client, 0);
    await store.crash();
    scene.say(`Redis is gone; ${PER_SECOND} calls a second for ${durationMs / 1_000} s`);
    const timesMs: number[] = [];
    const wrong: string[] = [];
    const pending = new Set<Promise<void>>();
    const memory: { readonly atMs: number; readonly bytes: readonly number[] }[] = [];
    const startMs = machineMs();
    const sampling = setInterval(() => {
      memory.push({ atMs: machineMs() - startMs, bytes: gateways.map(({ member }) => residentBytes(member.pid ?? 0)) });
    }, durationMs / 300);
    const ask = async (client: GatewayClient, n: number): Promise<void> => {
      const fromMs = machineMs();
      const refusal = await answered(client, n);
      timesMs.push(machineMs() - fromMs);
      if (refusal !== "STORE_UNAVAILABLE no") wrong.push(`call ${n} was answered ${refusal}`);
    };
    try {
      await pace(PER_SECOND, { durationMs, signal: scene.signal }, (n) => {
        const client = clients[n % clients.length];
        if (client === undefined) return;
        const asked = ask(client, n).finally(() => pending.delete(asked));
        pending.add(asked);
      });
    } finally {
      clearInterval(sampling);
      await Promise.all(pending);
    }
    scene.signal.throwIfAborted();
    await store.recover();
    const backMs = machineMs();
    let well = 0;
    const asking = setInterval(() => {
      void Promise.all(clients.map((client) => answered(client, 0))).then((all) => {
        if (all.every((answer) => answer === "TERMINAL_KIND_RESULT")) well ||= machineMs();
      });
    }, 50);
    await until("calls come back again", () => well > 0, scene.signal).finally(() => clearInterval(asking));
    scene.say(`calls come back ${Math.round(well - backMs)} ms after Redis did`);
    const growth = growthMiB(memory, durationMs);
    const worst = Math.max(...growth);
    return [
      timeFigure({
        what: "call against an absent Redis: refused, and did not run",
        boundMs: WITHIN_MS,
        because: "100 ms",
        timesMs,
        atLeast: (PER_SECOND * durationMs) / 1_000,
        counted: `${thousands(timesMs.length)} calls at ${PER_SECOND}/s`,
        against: wrong,
      }),
      countFigure({
        what: "memory while Redis is absent, 500 calls/s for 5 minutes",
        target: `flat (at most ${MAX_GROWTH_MIB} MiB more a gateway)`,
        measured: `${growth.map((mib) => `${mib >= 0 ? "+" : "−"}${Math.abs(mib).toFixed(1)}`).join(", ")} MiB`,
        counted: `resident memory of ${gateways.length} gateways from the first fifth to the last, over ${durationMs / 1_000} s`,
        against: worst > MAX_GROWTH_MIB ? [`it grew by ${worst.toFixed(1)} MiB`] : [],
      }),
    ];
  });
}

/** What a gateway says to a call: the terminal's kind, or the reason of its refusal and whether it ran. */
async function answered({ gateway, name }: GatewayClient, n: number): Promise<string> {
  const call = { toolset: TOOLSET, tool: TOOLS.once, payloadJson: Buffer.from(JSON.stringify({ ...work(0), n })) };
  try {
    const { terminal } = await answerOf<InvokeResponse__Output>((callback) =>
      gateway.invoke({ call }, { deadline: Date.now() + 10_000 }, callback),
    );
    return terminal?.kind ?? "nothing";
  } catch (error) {
    const { reason, executed } = readError(error as ServiceError, name); // a unary call fails with nothing else
    return `${reason} ${executed}`;
  }
}

/** How much more memory each gateway has in the last fifth of the time than in the second, by their medians, in MiB. */
function growthMiB(
  memory: readonly { readonly atMs: number; readonly bytes: readonly number[] }[],
  durationMs: number,
): number[] {
  const between = (from: number, to: number) =>
    memory.filter(({ atMs }) => atMs >= from * durationMs && atMs < to * durationMs);
  const early = between(WARM_UP_SHARE, 2 * WARM_UP_SHARE);
  const late = between(1 - WARM_UP_SHARE, 1);
  const gateways = memory[0]?.bytes.length ?? 0;
  return Array.from({ length: gateways }, (_, index) => {
    const median = (samples: typeof memory): number => {
      const sorted = samples.map(({ bytes }) => bytes[index] ?? 0).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] ?? 0;
    };
    return (median(late) - median(early)) / 1_048_576;
  });
}

/** What a process holds of the machine's memory (proc(5), statm). */
function residentBytes(pid: number): number {
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return Number(pages) * PAGE_BYTES;
}
