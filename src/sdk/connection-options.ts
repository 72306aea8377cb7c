import type { Integers } from "../json/parse-json.js";

/** TLS to the nodes; `true` trusts the system's authorities. All are PEM. */
export interface TlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate chain, with `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the nodes' certificate is for, where it is not the address's. */
  readonly serverName?: string;
}

/** How JSON becomes values. */
export interface JsonOptions {
  /**
   * How integers are read, in payloads, results, output and details: `number`, as `JSON.parse` does, which changes those
   * beyond 2^53; or `bigint`, which makes BigInt of those beyond ±(2^53 - 1) and numbers of all others. `number` when
   * absent. A bigint that is sent is written as an integer in either case; RawJson keeps every digit of every number.
   */
  readonly integers?: Integers;
}

/** How nodes are reached. */
export interface ConnectionOptions {
  /** TLS; plain text when absent. */
  readonly tls?: boolean | TlsOptions;
  /** How long to look for a first node that answers, in milliseconds; 5,000 when absent. */
  readonly connectTimeoutMs?: number;
}
