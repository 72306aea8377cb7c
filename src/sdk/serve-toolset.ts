import { randomUUID } from "node:crypto";
import { environment } from "../config/environment.js";
import { invalidField } from "../identity/names.js";
import { parseAddresses } from "./addresses.js";
import { CONNECT_TIMEOUT_MS, warnOfKeyFile } from "./connect.js";
import { ifDefined } from "./if-defined.js";
import { decoderOf } from "./json-bytes.js";
import { findKeySource } from "./key-source.js";
import { Nodes } from "./nodes.js";
import { prepareToolset } from "./prepare-toolset.js";
import type { Provider, ServeOptions } from "./provider.js";
import { SYSTEM_TIMING } from "./timing.js";
import type { DynamicToolset, Schema, ToolsetDefinition } from "./tool-definition.js";
import { ToolsetProvider } from "./toolset-provider.js";
import { loadTracing } from "./tracing.js";

const MAX_IN_FLIGHT = 16;

/**
 * Registers a toolset and serves its calls. Resolves when it can be called: a node has recorded
 * its first answer to a ping, and calls through any node come to it. A candidate, which waits for more room before it takes
 * over, gets its calls then.
 *
 * @throws ToolgateError INVALID_CONTRACT when a tool has no `run` function, and INVALID_SCHEMA when a schema is neither a JSON
 *   Schema nor one that can tell its JSON Schema, before anything is sent; INVALID_CONTRACT,
 *   INVALID_SCHEMA, CONTRACT_CONFLICT and NOT_OWNER when the gateway refuses the toolset; NODE_UNREACHABLE when no node
 *   answers within `connectTimeoutMs`; UNAUTHENTICATED and FORBIDDEN when the credential is refused, or may not register;
 *   INVALID_CONFIG when it cannot be read, or would be sent in clear to another machine.
 */
export async function serveToolset<
  const Payloads extends Record<string, Schema>,
  const Results extends { [Name in keyof Payloads]: unknown },
>(toolset: ToolsetDefinition<Payloads, Results>, options: ServeOptions): Promise<Provider> {
  // The types of the tools' code matter to its author; what runs it knows JSON only, which the gateway has checked.
  const untyped = toolset as unknown as DynamicToolset;
  const { maxInFlight = MAX_IN_FLIGHT } = options;
  if (!Number.isInteger(maxInFlight) || maxInFlight < 1 || maxInFlight > 10_000) {
    throw invalidField("maxInFlight", "must be an integer between 1 and 10,000");
  }
  const setup = {
    ...prepareToolset(untyped),
    registration: {
      replace: options.replace ?? false,
      skipInvalid: options.skipInvalid ?? false,
      ...ifDefined("activateAt", options.activateAt),
      ...ifDefined("maxBacklog", options.maxBacklog),
      ...ifDefined("retentionMs", options.retentionMs),
      ...ifDefined("retireAfterMs", options.retireAfterMs),
    },
    providerId: options.providerId ?? `p-${randomUUID()}`,
    incarnation: randomUUID(),
    maxInFlight,
    limits: {
      ...ifDefined("maxResultBytes", options.maxResultBytes),
      ...ifDefined("maxDeltaBytes", options.maxDeltaBytes),
    },
    decode: decoderOf(options.integers ?? "number"),
    connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    logger: options.logger,
    logOutput: options.logOutput,
    onEvent: options.onEvent,
    timing: SYSTEM_TIMING,
  };
  const addresses = parseAddresses(options.nodes);
  const key = await findKeySource({ ...options, addresses, env: environment(), onUnusable: warnOfKeyFile });
  const nodes = new Nodes(addresses, options.tls, SYSTEM_TIMING, key);
  await loadTracing();
  const provider = new ToolsetProvider({ ...setup, nodes });
  await provider.start(options.signal);
  return provider;
}
