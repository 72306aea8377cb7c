import { environment } from "../config/environment.js";
import { parseAddresses } from "./addresses.js";
import { type OnCallWarning, warnOnce } from "./call-warnings.js";
import { Client } from "./client.js";
import type { ConnectionOptions, JsonOptions } from "./connection-options.js";
import { decoderOf } from "./json-bytes.js";
import { findKeySource } from "./key-source.js";
import { allowMany } from "./linked-signal.js";
import { Nodes } from "./nodes.js";
import { SYSTEM_TIMING } from "./timing.js";
import type { Toolgate } from "./toolgate.js";
import { loadTracing } from "./tracing.js";

/** How long to look for a first node, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5000;
const PATIENCE_MS = 15_000;

export interface ConnectOptions extends ConnectionOptions, JsonOptions {
  /** Gives the attempt to connect up. */
  readonly signal?: AbortSignal;
  /**
   * How long an operation looks for a node that answers, after its own was lost, before it fails with NODE_UNREACHABLE;
   * in milliseconds, 15,000 when absent. `Infinity` never gives up, which suits a `watch` that must outlive outages.
   */
  readonly patienceMs?: number;
  /**
   * Receives what calls were to have and did not get, such as a `timeoutMs` over the registry's maximum or the tool's own. When
   * absent, each is a warning of the process, once for a tool. What it throws is ignored.
   */
  readonly onWarning?: OnCallWarning;
}

/**
 * Connects to a cluster: any of its nodes, given as `host:port`, several of them separated by commas or as an array.
 *
 * @throws ToolgateError NODE_UNREACHABLE when no node answers within `connectTimeoutMs`, INVALID_REQUEST when an address
 *   is malformed, INVALID_CONFIG when the credential cannot be read, or would be sent in clear to another machine.
 */
export async function connect(nodes: string | readonly string[], options: ConnectOptions = {}): Promise<Toolgate> {
  const timing = SYSTEM_TIMING;
  const { signal = new AbortController().signal, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  allowMany(signal);
  const addresses = parseAddresses(nodes);
  const key = await findKeySource({ ...options, addresses, env: environment(), onUnusable: warnOfKeyFile });
  const known = new Nodes(addresses, options.tls, timing, key);
  try {
    await known.acquire({ signal, giveUpAtMs: timing.monotonicMs() + connectTimeoutMs });
  } catch (error) {
    known.close();
    throw error;
  }
  await loadTracing();
  const decode = decoderOf(options.integers ?? "number");
  const { patienceMs = PATIENCE_MS, onWarning = warnOnce() } = options;
  return new Client({ nodes: known, timing, decode, onWarning, patienceMs });
}

/** Tells a process's own warning (`process.on("warning")`, stderr otherwise). */
export function warnOfKeyFile(message: string): void {
  process.emitWarning(message, "ToolgateWarning");
}
