import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import { localKeyFile } from "../../src/config/local-key-file.js";
import { writePrivateFile } from "../../src/config/private-file.js";
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

/** Lets programs that run with an XDG_CONFIG_HOME find a cluster's key by its nodes' addresses, as `npm start` does for its user's. */
export async function publishKey({ adminKey, addresses }: ClosedCluster, configHome: string): Promise<void> {
  for (const address of addresses) {
    const file = localKeyFile(address, { XDG_CONFIG_HOME: configHome });
    if (file !== undefined) await writePrivateFile(file, `${adminKey}\n`);
  }
}

/** The other members of a cluster, some of which are computed. */
function delegates(cluster: Cluster): PropertyDescriptorMap {
  const { stop: _, ...others } = Object.getOwnPropertyDescriptors(cluster);
  return others;
}
