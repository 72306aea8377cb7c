import { setTimeout as delay } from "node:timers/promises";
import type { ChaosCluster } from "../chaos-cluster.js";
import { countFigure, type Figure, thousands } from "./figure.js";
import { type LoadResult, underLoad } from "./load.js";
import { type Scene, withCluster } from "./scene.js";

const TOOLSET = "orders";
const PROVIDERS = 3;
const PER_SECOND = 200;
/** The load alone, before, between and after the steps, in milliseconds. */
const UNDISTURBED_MS = 1_000;

/** All gateways are restarted one after the other; then all providers are replaced by ones with another contract. */
export async function rolling(scene: Scene): Promise<Figure[]> {
  const load = { toolset: TOOLSET, perSecond: scene.quick ? 40 : PER_SECOND, signal: scene.signal };
  const times = scene.quick ? 1 : 3;
  return await withCluster(scene, { toolsets: { [TOOLSET]: PROVIDERS } }, async (cluster) => {
    const restarts = await underLoad(cluster, load, async () => {
      for (let time = 1; time <= times; time++) await restartGateways(scene, cluster);
    });
    const changes = await underLoad(cluster, load, async () => {
      for (let time = 1; time <= times; time++) await changeContract(scene, cluster, `${time + 1}.0.0`);
    });
    const figure = (what: string, did: string, { calls, failures, timesMs }: LoadResult): Figure =>
      countFigure({
        what,
        target: "0 failed calls",
        measured: `${failures.length} failed`,
        counted: `${thousands(calls)} calls over ${did}; the slowest took ${thousands(Math.max(...timesMs))} ms`,
        against: failures,
      });
    return [
      figure("rolling restart of all nodes at 200 calls/s", `${times} × ${cluster.gateways.length} restarts`, restarts),
      figure("rolling contract change at 200 calls/s", `${times} changes of ${PROVIDERS} providers`, changes),
    ];
  });
}

async function restartGateways({ say, signal, incidents }: Scene, { gateways }: ChaosCluster): Promise<void> {
  for (const { member } of gateways) {
    await delay(UNDISTURBED_MS, undefined, { signal });
    const { code, signal: by } = await member.stop();
    if (code !== 0)
      incidents.push({ atMs: 0, message: `${member.name} ended with ${by ?? code}`, evidence: member.output });
    await member.start();
    say(`${member.name} was restarted`);
  }
  await delay(UNDISTURBED_MS, undefined, { signal });
}

/** Providers of the next contract come one by one, and one of the former goes for each. */
async function changeContract({ say, signal }: Scene, cluster: ChaosCluster, version: string): Promise<void> {
  const former = cluster.providers.filter(({ member }) => member.pid !== undefined);
  for (const [index, { member }] of former.entries()) {
    await delay(UNDISTURBED_MS, undefined, { signal });
    await cluster.addProvider(TOOLSET, `${TOOLSET}-${version}-${index + 1}`, version).member.start();
    await member.stop();
    say(`${member.name} gave way to contract ${version}`);
  }
  await delay(UNDISTURBED_MS, undefined, { signal });
}
