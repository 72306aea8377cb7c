import { setTimeout as delay } from "node:timers/promises";
import { connect, type Toolgate } from "../../../src/index.js";
import { callIdFor } from "../call-ids.js";
import { TOOLS } from "../call-plan.js";
import { machineMs } from "../machine-clock.js";
import { readBack } from "../read-back.js";
import { ReplicatedStore } from "../replicated-store.js";
import { SeededRandom } from "../seeded-random.js";
import { countFigure, type Figure, thousands } from "./figure.js";
import { pace, work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const TOOLSET = "orders";
const PER_SECOND = 100;
/** How long the replica gets nothing before the master dies, in milliseconds. */
const STALL_MS = [100, 600] as const;
/** The load alone after each failover, in milliseconds. */
const UNDISTURBED_MS = 500;

/** What an agent heard of a call: that there is one, or its result. */
interface Acknowledged {
  readonly call: string;
  /** As JSON text; undefined where only its handle was told. */
  readonly result: string | undefined;
}

/** The master dies while its replica is behind, and the replica takes its place; again and again, under load. */
export async function failedOver(scene: Scene): Promise<Figure[]> {
  const replicated = await lostOver(scene, "replicated");
  const fast = await lostOver(scene, "fast");
  return [
    countFigure({
      what: "`replicated`: acknowledged calls lost over 20 failovers with a stalled replica",
      target: "0",
      measured: String(replicated.lost.length),
      counted: replicated.counted,
      against: replicated.lost,
    }),
    {
      what: "`fast`, for contrast: the same failovers",
      target: "none",
      measured: String(fast.lost.length),
      met: undefined,
      counted: fast.counted,
      against: [],
    },
  ];
}

async function lostOver(scene: Scene, durability: "fast" | "replicated") {
  const failovers = scene.quick ? 2 : 20;
  const random = new SeededRandom(scene.seed).fork("failed-over");
  const store = new ReplicatedStore(scene.redisServer, `${scene.folder}/redis-${durability}`);
  const settings = { TOOLGATE_DURABILITY: durability, TOOLGATE_REPLICA_TIMEOUT_MS: 300 };
  return await withCluster(scene, { store, settings, toolsets: { [TOOLSET]: 2 } }, async (cluster) => {
    const clients = await Promise.all(cluster.agentAddresses.map((address) => connect(address)));
    const acknowledged: Acknowledged[] = [];
    let lastMs = 0;
    const ask = async (client: Toolgate, n: number): Promise<void> => {
      const ids = { runId: durability, toolCallId: String(n) };
      const call = callIdFor(TOOLSET, ids.runId, ids.toolCallId);
      const options = { ...ids, timeoutMs: 5_000 };
      const fromMs = machineMs();
      try {
        if (n % 2 === 0) {
          await client.call(TOOLSET, TOOLS.once, { ...work(n % 20), n }, options);
          acknowledged.push({ call, result: undefined });
        } else {
          const result = await client.invoke(TOOLSET, TOOLS.once, { ...work(n % 20), n }, options);
          acknowledged.push({ call, result: JSON.stringify(result) });
        }
        lastMs = fromMs;
      } catch {
        // Not acknowledged: nothing was promised.
      }
    };
    const pending = new Set<Promise<void>>();
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, scene.signal]);
    const paced = pace(PER_SECOND, { durationMs: Number.POSITIVE_INFINITY, signal }, (n) => {
      const client = clients[n % clients.length];
      if (client === undefined) return;
      const asked = ask(client, n).finally(() => pending.delete(asked));
      pending.add(asked);
    });
    try {
      for (let failover = 1; failover <= failovers; failover++) {
        await delay(UNDISTURBED_MS, undefined, { signal });
        store.stall();
        await delay(random.integer(...STALL_MS), undefined, { signal });
        await store.crash();
        await store.recover();
        const backMs = machineMs();
        await until("calls are acknowledged again", () => lastMs > backMs, signal);
        scene.say(`${durability}: failover ${failover}; calls are acknowledged again`);
      }
    } finally {
      over.abort();
      await paced;
      await Promise.all(pending);
      await Promise.all(clients.map((client) => client.close()));
    }
    const told = new Map(acknowledged.map((one) => [one.call, one]));
    const records = await readBack(
      [...told.keys()],
      cluster.gateways.slice(0, 1).map(({ client }) => client),
      scene.signal,
    );
    const lost = records.flatMap(({ call, readings }) => {
      const result = told.get(call)?.result;
      const answer = readings[0]?.answer;
      if (answer === undefined || answer.kind === "unknown" || answer.kind === "failed") {
        return [`${call}, acknowledged, is ${answer?.kind ?? "not read"}`];
      }
      if (result === undefined || (answer.kind === "ended" && answer.terminal.body === result)) return [];
      return [`${call} was told its result, and is ${answer.kind === "ended" ? answer.terminal.kind : answer.kind}`];
    });
    const results = acknowledged.filter(({ result }) => result !== undefined).length;
    return {
      lost,
      counted: `${failovers} failovers; ${thousands(told.size)} calls acknowledged, ${thousands(results)} of them with their result`,
    };
  });
}
