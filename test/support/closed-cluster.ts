import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.js";

/** A cluster whose callers must prove who they are. */
export interface ClosedCluster extends Cluster {
  /** The key of an administrator of all tenants. */
  readonly adminKey: string;
}

/** Starts a cluster with `auth=required`, and an administrator by a bootstrap key file. */
export async function startClosedCluster(options: ClusterOptions): Promise<ClosedCluster> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-bootstrap-"));
  const bootstrapKeyFile = join(folder, "key");
  const adminKey = makeSecretToken("key", randomBytes).text;
  await writeFile(bootstrapKeyFile, `${adminKey}\n`, { mode: 0o600 });
  const config = { auth: "required", bootstrapKeyFile, ...options.config };
  try {
    const cluster = await startCluster({ ...options, config });
    const stop = async (): Promise<void> => {
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    };
    return Object.defineProperties({ adminKey, stop } as ClosedCluster, delegates(cluster)); // all that is left of it
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

/** The other members of a cluster, some of which are computed. */
function delegates(cluster: Cluster): PropertyDescriptorMap {
  const { stop: _, ...others } = Object.getOwnPropertyDescriptors(cluster);
  return others;
}
