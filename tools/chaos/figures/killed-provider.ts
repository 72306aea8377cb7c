import { setTimeout as delay } from "node:timers/promises";
import { connect, ToolCallError, type Toolgate } from "../../../src/index.js";
import { callIdFor } from "../call-ids.js";
import { TOOLS } from "../call-plan.js";
import type { ChaosCluster } from "../chaos-cluster.js";
import type { Delivery } from "../history.js";
import { type LedgerLine, readLedgers } from "../ledger.js";
import { machineMs } from "../machine-clock.js";
import { type Figure, timeFigure } from "./figure.js";
import { work } from "./load.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const TOOLSET = "orders";
/** The one that is killed is the one with the most calls of the sort that it has fewer of; its idempotent ones go to the others. */
const PROVIDERS = 3;
/** How many calls of each delivery are under way when a provider is killed. */
const CALLS = 6;
const BOTH: readonly Delivery[] = ["once", "idempotent"];
/** Longer than anything that is waited for, in milliseconds. */
const WORK_MS = 60_000;
/** What the claim of a `once` call outlives its provider, in milliseconds. */
const ONCE_LEASE_MS = 3_000;
const IDEMPOTENT_LEASES_MS = [1_000, 5_000] as const;

/** How often calls are made until a provider runs both sorts: each may have got one sort alone. */
const MAX_ATTEMPTS = 10;

/** Providers are killed while they run calls of both deliveries. */
export async function killedProvider(scene: Scene): Promise<Figure[]> {
  const rounds = scene.quick ? 1 : 8;
  const figures: Figure[] = [];
  const once: Sample[] = [];
  for (const leaseMs of scene.quick ? IDEMPOTENT_LEASES_MS.slice(0, 1) : IDEMPOTENT_LEASES_MS) {
    const settings = {
      TOOLGATE_CLAIM_LEASE_IDEMPOTENT_MS: leaseMs,
      TOOLGATE_CLAIM_LEASE_ONCE_MS: ONCE_LEASE_MS,
    };
    const samples = await withCluster(scene, { settings, toolsets: { [TOOLSET]: PROVIDERS } }, async (cluster) => {
      const client = await connect(cluster.agentAddresses);
      try {
        const all: Sample[] = [];
        for (let round = 1; round <= rounds; round++) {
          let samples: Sample[] = [];
          for (let attempt = 1; samples.length === 0 && attempt <= MAX_ATTEMPTS; attempt++)
            samples = await killOne(scene, cluster, client, `${leaseMs}/${round}/${attempt}`, round);
          all.push(...samples);
        }
        const runs = readLedgers(cluster.ledgerFolder).filter(({ phase }) => phase === "start");
        for (const sample of all.filter(({ delivery }) => delivery === "once")) {
          const times = runs.filter(({ call }) => call === sample.call).length;
          if (times !== 1) sample.wrong.push(`${sample.call} ran ${times} times`);
        }
        return all;
      } finally {
        await client.close();
      }
    });
    once.push(...samples.filter(({ delivery }) => delivery === "once"));
    const idempotent = samples.filter(({ delivery }) => delivery === "idempotent");
    figures.push(
      timeFigure({
        what: `re-delivery of an idempotent call after kill -9 of its provider, lease ${leaseMs / 1_000} s`,
        boundMs: leaseMs + 500,
        because: "lease + 0.5 s",
        ...timesOf(idempotent, rounds),
      }),
    );
  }
  return [
    timeFigure({
      what: "a provider killed while it runs a `once` call: `outcome_unknown`, never re-run",
      boundMs: ONCE_LEASE_MS + 1_000,
      because: `claim lease ${ONCE_LEASE_MS / 1_000} s + 1 s`,
      ...timesOf(once, rounds * (scene.quick ? 1 : IDEMPOTENT_LEASES_MS.length)),
    }),
    ...figures,
  ];
}

/** What became of one call whose provider was killed. */
interface Sample {
  readonly call: string;
  readonly delivery: Delivery;
  /** From the kill until it ended or began anew, in milliseconds; undefined when it did neither as it must. */
  readonly tookMs: number | undefined;
  readonly wrong: string[];
}

function timesOf(samples: readonly Sample[], kills: number) {
  return {
    timesMs: samples.flatMap(({ tookMs }) => (tookMs === undefined ? [] : [tookMs])),
    atLeast: kills,
    counted: `${samples.length} calls, ${kills} kills`,
    against: samples.flatMap(({ wrong }) => wrong),
  };
}

/** One kill: calls are started, one of the providers that run both sorts dies, and its calls are watched; nothing where none runs both. */
async function killOne(
  scene: Scene,
  cluster: ChaosCluster,
  client: Toolgate,
  runId: string,
  round: number,
): Promise<Sample[]> {
  const { signal } = scene;
  const ended = new Map<string, { readonly atMs: number; readonly how: string }>();
  // Mixed, since what is asked for together may go to one provider.
  const asked = Array.from({ length: CALLS }, (_, n) => n).flatMap((n) =>
    (n % 2 === 0 ? BOTH : BOTH.toReversed()).map((delivery) => {
      const ids = { runId, toolCallId: `${delivery}-${n}` };
      const call = callIdFor(TOOLSET, ids.runId, ids.toolCallId);
      const done = client
        .invoke(TOOLSET, TOOLS[delivery], work(WORK_MS), { ...ids, timeoutMs: WORK_MS })
        .then(
          () => "result",
          (error: unknown) =>
            error instanceof ToolCallError ? `${error.kind} ${error.reason}` : `failed: ${String(error)}`,
        )
        .then((how) => void ended.set(call, { atMs: machineMs(), how }));
      return { call, delivery, done };
    }),
  );
  const starts = (): LedgerLine[] => readLedgers(cluster.ledgerFolder).filter(({ phase }) => phase === "start");
  const mine = new Set(asked.map(({ call }) => call));
  try {
    await until("all calls run", () => starts().filter(({ call }) => mine.has(call)).length === mine.size, signal);
    await delay(200 * round); // the kill comes at another moment of the claim's renewals each time
    const running = starts();
    const callsOf = (provider: string) =>
      asked.filter(({ call }) =>
        running.some((line) => line.call === call && line.incarnation.startsWith(`${provider}#`)),
      );
    const ofBoth = (provider: string): number => {
      const once = callsOf(provider).filter(({ delivery }) => delivery === "once").length;
      return Math.min(once, callsOf(provider).length - once);
    };
    const [victim] = cluster.providers.map(({ member }) => member).sort((a, b) => ofBoth(b.name) - ofBoth(a.name));
    if (victim === undefined) throw new Error("There is no provider.");
    if (ofBoth(victim.name) === 0) return [];
    const hit = callsOf(victim.name);
    const killedMs = await victim.kill();
    scene.say(`${victim.name} is killed with ${hit.length} calls`);
    const settled = (): Sample[] | undefined => {
      const now = starts();
      const samples = hit.map(({ call, delivery }): Sample | undefined => {
        if (delivery === "idempotent") {
          const again = now.find((line) => line.call === call && line.attempt === 2);
          return again && { call, delivery, tookMs: again.atMs - killedMs, wrong: [] };
        }
        const end = ended.get(call);
        if (end === undefined) return undefined;
        const right = end.how === "outcome_unknown PROVIDER_LOST";
        const wrong = right ? [] : [`${call} ended as ${end.how}`];
        return { call, delivery, tookMs: right ? end.atMs - killedMs : undefined, wrong };
      });
      const found = samples.filter((sample) => sample !== undefined);
      return found.length === samples.length ? found : undefined;
    };
    const samples = await until("its calls ended or began anew", settled, signal);
    await victim.start();
    return samples;
  } finally {
    await Promise.all(asked.map(({ call }) => client.cancel(call)));
    await Promise.all(asked.map(({ done }) => done));
  }
}
