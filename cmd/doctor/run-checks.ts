import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../../src/config/environment.js";
import { readSecret } from "../../src/config/secret-reference.js";
import type { RegistryName } from "../../src/identity/names.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import type { ConnectionTarget } from "../contexts/connection-target.js";
import type { Output } from "../output/output.js";
import { type Check, fail } from "./check.js";
import { checkAccess } from "./check-access.js";
import { checkConditions } from "./check-conditions.js";
import { checkDocuments } from "./check-documents.js";
import { checkGateway } from "./check-gateway.js";
import { checkRedis } from "./check-redis.js";
import { checkRegistry } from "./check-registry.js";
import { checkRuntime } from "./check-runtime.js";
import { checkToolsets } from "./check-toolsets.js";

/** What is looked at. */
export interface Checked extends ConnectionTarget {
  /** The nodes' Redis, as settings have it: it may be a reference to a secret. Redis is not looked at when it is absent. */
  readonly redisUrl: string | undefined;
  readonly registry: RegistryName;
  /** Over how many shards it is spread; 0 as nodes do unless told otherwise. */
  readonly shards: number;
}

/** Looks at everything that a cluster needs: what was found, as it is found. */
export async function* runChecks(
  { nodes, options, redisUrl, registry, shards }: Checked,
  output: Output,
  signal: AbortSignal,
): AsyncIterable<Check> {
  yield checkRuntime(process.versions.node, neededNode());
  for (const address of nodes) {
    signal.throwIfAborted();
    yield await output.withProgress(`Asking ${address}`, () => checkGateway(address, options.tls));
  }
  const connection = { signal, connectTimeoutMs: 3_000, ...options };
  const access = await output.withProgress("Asking who you are", () => checkAccess(nodes, connection));
  yield* access.checks;
  if (!access.isRefused) {
    yield* await output.withProgress("Asking what the registry accepts", () => checkRegistry(nodes, connection));
    yield* await output.withProgress("Listing the toolsets", () => checkToolsets(nodes, connection));
    yield* await output.withProgress("Listing the documents", () => checkDocuments(nodes, connection));
    yield* await output.withProgress("Listing the roles", () => checkConditions(nodes, connection));
  }
  if (redisUrl === undefined) return;
  const secret = readSecret(redisUrl, environment());
  if ("fault" in secret) yield fail("Redis", `its URL ${secret.fault}`, "Correct REDIS_URL (--redis-url).");
  else yield* await output.withProgress("Asking Redis", () => checkRedis(secret.value, registry, shards));
}

/** The Node versions that the package says it runs on. */
function neededNode(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));
  const { engines } = manifest as { engines?: { node?: string } }; // our own file
  return engines?.node ?? "*";
}
