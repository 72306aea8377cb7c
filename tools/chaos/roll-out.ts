import { setTimeout as delay } from "node:timers/promises";
import type { ChaosCluster } from "./chaos-cluster.js";
import { providerOf, providersOf } from "./provider-names.js";

/** How long both contracts have providers, in milliseconds: the former ones hear that they are superseded, and go on. */
const SIDE_BY_SIDE_MS = 2_000;

/** Replicas of a next contract take the place of all that serve a toolset: they come at once, and then the former ones go. */
export async function rollOut(
  cluster: ChaosCluster,
  toolset: string,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const former = cluster.providers.filter(
    ({ member }) => member.name.startsWith(providersOf(toolset)) && member.pid !== undefined,
  );
  const next = former.map((_, index) =>
    cluster.addProvider(toolset, providerOf(toolset, `${version}-${index + 1}`), version),
  );
  await Promise.all(next.map(({ member }) => member.start()));
  await delay(SIDE_BY_SIDE_MS, undefined, { signal });
  await Promise.all(former.map(({ member }) => member.stop()));
}
