import { join } from "node:path";
import type { LogFolder } from "../../../src/local-cluster/log-folder.js";
import { describeExit } from "../../../src/local-cluster/program.js";
import { ChaosCluster, type ChaosClusterOptions } from "../chaos-cluster.js";
import type { Incident } from "../check/evidence.js";
import { machineMs } from "../machine-clock.js";
import { StandaloneStore } from "../standalone-store.js";
import type { Store } from "../store.js";

/** What an experiment has to work with. */
export interface Scene {
  /** A folder of the experiment's own. */
  readonly folder: string;
  readonly logs: LogFolder;
  /** Smallest counts and durations: shows that it works, and proves nothing. */
  readonly quick: boolean;
  readonly seed: string;
  readonly signal: AbortSignal;
  /** Tells what happens. */
  readonly say: (line: string) => void;
  /** What went wrong with processes beside what was done to them; whatever is here speaks against every figure. */
  readonly incidents: Incident[];
  /** The path of a Redis server. */
  readonly redisServer: string;
}

/** Parts of a cluster that an experiment may choose. */
export interface ClusterShape extends Pick<ChaosClusterOptions, "settings" | "toolsets"> {
  /** A standalone one unless said. */
  readonly store?: Store;
}

let clusters = 0;

/** Starts a cluster of its own, lets the work be done with it, and stops it. */
export async function withCluster<Result>(
  scene: Scene,
  shape: ClusterShape,
  work: (cluster: ChaosCluster) => Promise<Result>,
): Promise<Result> {
  clusters += 1;
  const folder = join(scene.folder, `cluster-${clusters}`);
  const store = shape.store ?? new StandaloneStore(scene.redisServer, join(folder, "redis"));
  const cluster = new ChaosCluster({
    ...shape,
    store,
    folder,
    logs: scene.logs,
    faketime: undefined,
    onLost: (name, exit, output) => {
      const message = `${name} ended by itself with ${describeExit(exit)}`;
      scene.incidents.push({ atMs: machineMs(), message, evidence: output.slice(-40) });
    },
  });
  try {
    await cluster.start();
    return await work(cluster);
  } finally {
    for (const message of await cluster.stop()) scene.incidents.push({ atMs: machineMs(), message, evidence: [] });
  }
}
