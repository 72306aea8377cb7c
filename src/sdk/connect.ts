import type { ConnectionOptions } from "./connection-options.js";
import type { Toolgate } from "./toolgate.js";

export interface ConnectOptions extends ConnectionOptions {
  /** Gives the attempt to connect up. */
  readonly signal?: AbortSignal;
  /**
   * How long an operation looks for a node that answers, after its own was lost, before it fails with NODE_UNREACHABLE;
   * in milliseconds, 15,000 when absent. `Infinity` never gives up, which suits a `watch` that must outlive outages.
   */
  readonly patienceMs?: number;
}

/**
 * Connects to a cluster: any of its nodes, given as `host:port`, several of them separated by commas or as an array.
 *
 * @throws ToolgateError NODE_UNREACHABLE when no node answers within `connectTimeoutMs`, INVALID_REQUEST when an address
 *   is malformed.
 */
export async function connect(_nodes: string | readonly string[], _options: ConnectOptions = {}): Promise<Toolgate> {
  throw new Error("not yet");
}
