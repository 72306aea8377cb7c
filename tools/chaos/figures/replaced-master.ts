import { join } from "node:path";
import type { ServiceError } from "@grpc/grpc-js";
import type { ToolsetName } from "../../../src/identity/names.js";
import type { InvokeResponse__Output } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { readError } from "../../../src/sdk/request.js";
import { keyspaceOf } from "../call-ids.js";
import { TOOLS } from "../call-plan.js";
import { answerOf, type GatewayClient } from "../gateway-client.js";
import { machineMs } from "../machine-clock.js";
import { makeStore } from "../make-store.js";
import { summarise } from "../recovery.js";
import type { Failover, StoreKind } from "../store.js";
import { type Figure, thousands, timeFigure } from "./figure.js";
import { pace, work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const TOOLSET = "orders";
/** Each gateway is asked so often, so that a recovery is seen within a hundredth of a second or two. */
const PER_SECOND = 50;
const ANSWER_WITHIN_MS = 2_000;
/**
 * How long gateways may take to find the new master once Redis has named it, in milliseconds. How long Redis takes is its own:
 * a Cluster's election needs 0.5 to 1 s after most masters hold the lost one for failed, and is repeated when votes are late
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#replica-election-and-promotion).
 */
const REACT_WITHIN_MS = 1_000;
/** As nodes have them by default: with those of a run with faults, a toolset is unhealthy after two seconds without a pong. */
const SETTINGS = { TOOLGATE_PING_INTERVAL_MS: 10_000, TOOLGATE_LOCK_TTL_MS: 5_000, TOOLGATE_LEASE_MS: 30_000 };

/** Every master that serves the toolset is killed in turn; each time another one takes its place, and calls work again. */
export async function replacedMaster(scene: Scene): Promise<Figure[]> {
  return [
    ...(await recoveries(
      scene,
      "sentinel",
      "recovery after a Sentinel failover, no restart, once Redis has named another master",
    )),
    ...(await recoveries(
      scene,
      "cluster",
      "recovery after a Redis Cluster failover, no restart, once Redis has named another master",
    )),
  ];
}

/** A question to a gateway: whether a call came back, and when. */
interface Probe {
  readonly gateway: string;
  readonly askedMs: number;
  readonly answeredMs: number;
  /** Empty when the call came back with its result. */
  readonly why: string;
}

async function recoveries(scene: Scene, kind: StoreKind, what: string): Promise<Figure[]> {
  const rounds = scene.quick ? 1 : 6;
  const store = makeStore(kind, scene.redisServer, join(scene.folder, kind));
  if (store.kind !== "group") throw new Error(`A ${kind} has no failovers.`);
  return await withCluster(scene, { store, settings: SETTINGS, toolsets: { [TOOLSET]: 2 } }, async ({ gateways }) => {
    const clients = gateways.map(({ client }) => client);
    const probes: Probe[] = [];
    const pending = new Set<Promise<void>>();
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, scene.signal]);
    const probing = pace(PER_SECOND * clients.length, { durationMs: Number.POSITIVE_INFINITY, signal }, (n) => {
      const client = clients[n % clients.length];
      if (client === undefined) return;
      const asked = probe(client)
        .then((one) => void probes.push(one))
        .finally(() => pending.delete(asked));
      pending.add(asked);
    });
    const wellSince = (fromMs: number): boolean =>
      clients.every(({ name }) =>
        probes.some(({ gateway, askedMs, why }) => gateway === name && askedMs >= fromMs && why === ""),
      );
    const failovers: Failover[] = [];
    try {
      const { toolsets } = keyspaceOf(store.shards).forToolset(TOOLSET as ToolsetName); // one of our own
      for (let round = 1; round <= rounds; round++) {
        await until("calls come back on every gateway", () => wellSince(machineMs() - 1_000), scene.signal);
        await store.steady();
        const failover = await store.failOver("kill", toolsets);
        failovers.push(failover);
        await until("calls come back again", () => wellSince(failover.settledMs), scene.signal);
        scene.say(`${kind}: master ${round} of ${rounds} was replaced`);
      }
    } finally {
      over.abort();
      await probing;
      await Promise.all(pending);
    }
    const fromLossMs = failovers.map(({ lostMs }, index) => recoveryMs(probes, lostMs, failovers[index + 1]?.lostMs));
    const ownMs = failovers.map(({ lostMs, replacedMs }) => replacedMs - lostMs);
    // Redis is asked every few milliseconds whether it has named another master: a call can be sooner than that.
    const timesMs = fromLossMs.map((ms, index) => Math.max(0, ms - (ownMs[index] ?? 0)));
    const failed = probes.filter(({ why }) => why !== "").map(({ why }) => why);
    scene.say(`${kind}: calls failed meanwhile with ${[...new Set(failed)].join(", ")}`);
    return [
      timeFigure({
        what,
        boundMs: REACT_WITHIN_MS,
        because: `${REACT_WITHIN_MS / 1_000} s`,
        timesMs,
        atLeast: rounds,
        counted: `${rounds} kills of the master of ${store.description}; ${gateways.length} gateways, each asked ${PER_SECOND} times a second; Redis itself took ${described(ownMs)}, and from the kill until calls came back it was ${described(fromLossMs)}`,
      }),
    ];
  });
}

function described(timesMs: readonly number[]): string {
  const [times] = summarise("", timesMs);
  return times === undefined ? "nothing" : `${thousands(times.medianMs)} ms, at worst ${thousands(times.worstMs)} ms`;
}

/** From the loss of a master until the last failed call of any gateway had been followed by one that came back. */
function recoveryMs(probes: readonly Probe[], lostMs: number, nextLostMs = Number.POSITIVE_INFINITY): number {
  // What was on its way at the next loss belongs to that one.
  const since = probes.filter(({ askedMs, answeredMs }) => askedMs >= lostMs && answeredMs < nextLostMs);
  const lastFailedMs = Math.max(lostMs, ...since.filter(({ why }) => why !== "").map(({ askedMs }) => askedMs));
  const recoveredMs = Math.min(
    ...since.filter(({ askedMs, why }) => askedMs > lastFailedMs && why === "").map(({ answeredMs }) => answeredMs),
  );
  return recoveredMs - lostMs;
}

async function probe({ gateway, name }: GatewayClient): Promise<Probe> {
  const call = { toolset: TOOLSET, tool: TOOLS.once, payloadJson: Buffer.from(JSON.stringify(work(0))) };
  const askedMs = machineMs();
  const answered = (why: string): Probe => ({ gateway: name, askedMs, answeredMs: machineMs(), why });
  try {
    const { terminal } = await answerOf<InvokeResponse__Output>((callback) =>
      gateway.invoke({ call }, { deadline: Date.now() + ANSWER_WITHIN_MS }, callback),
    );
    return answered(terminal?.kind === "TERMINAL_KIND_RESULT" ? "" : (terminal?.kind ?? "nothing"));
  } catch (error) {
    return answered(readError(error as ServiceError, name).reason); // a unary call fails with nothing else
  }
}
