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
  /**
   * The caller's credential: an API key, a session token or a JWT; or what gives one, which is called for each connection that is made,
   * and again when a node refuses the one that it gave. When absent, the variable TOOLGATE_KEY; else the file that
   * TOOLGATE_KEY_FILE names; else, for nodes on this machine, the key file that `npm start` or `toolgate dev` has made for them.
   * `null` sends none.
   */
  readonly key?: string | (() => string | Promise<string>) | null;
  /** Sends the credential to other machines without TLS, too, where everybody on the way can read it; refused when absent. */
  readonly insecureKey?: boolean;
  /** How long to look for a first node that answers, in milliseconds; 5,000 when absent. */
  readonly connectTimeoutMs?: number;
}
