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

/** How nodes are reached. */
export interface ConnectionOptions {
  /** TLS; plain text when absent. */
  readonly tls?: boolean | TlsOptions;
  /** How long to look for a first node that answers, in milliseconds; 5,000 when absent. */
  readonly connectTimeoutMs?: number;
}
