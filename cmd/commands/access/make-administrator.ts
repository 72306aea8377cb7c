import { randomBytes } from "node:crypto";
import { createKey, type NewKey } from "../../../src/access/credentials/api-keys.js";
import { KEY } from "../../../src/access/credentials/key-document.js";
import { storedCredentials } from "../../../src/access/credentials/stored-credentials.js";
import { USER } from "../../../src/access/credentials/user-document.js";
import { createPolicy } from "../../../src/access/policy/policy.js";
import { ROLE } from "../../../src/access/policy/role.js";
import { SHARE } from "../../../src/access/policy/share.js";
import { TENANT } from "../../../src/access/policy/tenant-document.js";
import { hasAdministrator } from "../../../src/access/registry-facts.js";
import { parseConfig } from "../../../src/config/config.js";
import { environment } from "../../../src/config/environment.js";
import { parseRedisUrl } from "../../../src/config/redis-url.js";
import { DocumentKinds } from "../../../src/documents/document-kinds.js";
import { DocumentsCopy } from "../../../src/documents/documents-copy.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { parseRegistryName } from "../../../src/identity/names.js";
import type { Principal } from "../../../src/identity/principal.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import { createLogger } from "../../../src/observe/logger.js";
import { FAST_COMMITS } from "../../../src/redis/commits.js";
import { createConnections } from "../../../src/redis/connections.js";
import { createKeyspace } from "../../../src/redis/keys.js";
import { SampledRedisClock } from "../../../src/redis/redis-time.js";
import { agreeOnShards, shardCount } from "../../../src/store/agree-on-shards.js";

export interface AdministratorRequest {
  readonly redisUrl: string;
  /** The registry's name; as nodes read it when absent. */
  readonly registry?: string;
  readonly principal: string;
  /** How long the key holds, in milliseconds; 0 for ever. */
  readonly ttlMs: number;
  /** Also where there is an administrator. */
  readonly force: boolean;
}

const ROLES = ["admin", "cluster-admin"];

/** Who has Redis's URL may do anything; the history names the command. */
const AUTHOR: Principal = {
  tenant: DEFAULT_TENANT,
  id: "access-init",
  kind: "key",
  roles: ROLES,
  attributes: {},
};

/**
 * Makes an administrator's key in Redis, as a node would, without one.
 *
 * @throws ToolgateError INVALID_CONFIG, also where there is an administrator, without force; STORE_UNAVAILABLE
 */
export async function makeAdministrator(request: AdministratorRequest): Promise<NewKey> {
  const { redisUrl, principal, ttlMs, force } = request;
  // How a node would listen with these settings is not the question: the image's own, without a key, it would refuse.
  const config = parseConfig({ env: environment(), flags: { redisUrl, registry: request.registry, auth: "required" } });
  const shards = shardCount(config.shards, parseRedisUrl(config.redisUrl));
  const keyspace = createKeyspace(parseRegistryName(config.registry, "registry"), shards);
  const log = createLogger({ level: "silent" });
  const connections = createConnections({
    redisUrl: config.redisUrl,
    lockUrls: [],
    lockTtlMs: config.lockTtlMs,
    replicaTimeoutMs: config.replicaTimeoutMs,
    log,
    onReady: () => {},
  });
  const redis = connections.command.client;
  const { subscriber } = connections;
  const monotonicMs = () => performance.now();
  const clock = new SampledRedisClock(redis, monotonicMs);
  const kinds = new DocumentKinds([ROLE, SHARE, TENANT, KEY, USER]);
  const copy = new DocumentsCopy({ redis, subscriber, keyspace, kinds, log, monotonicMs });
  try {
    await connections.start();
    await agreeOnShards(redis, keyspace);
    await clock.start();
    await copy.start();
    if (!force && hasAdministrator(copy, createPolicy(copy), "", clock.nowMs())) {
      throw new ToolgateError(
        "INVALID_CONFIG",
        "The registry has an administrator already. Ask one for a key (toolgate access key create), or, where none is left, pass --force.",
      );
    }
    const documents = storedCredentials({ store: { redis, commits: FAST_COMMITS, keyspace }, kinds, copy, checks: [] });
    return await createKey(
      { documents, copy, clock, randomBytes, roleExists: () => true },
      { tenant: DEFAULT_TENANT, principal, roles: ROLES, ttlMs },
      { author: AUTHOR, reason: "toolgate access init" },
    );
  } finally {
    await copy.stop();
    clock.stop();
    await connections.stop();
  }
}
