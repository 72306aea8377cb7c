import type { Config } from "../../config/config.js";
import { FairQuota } from "../../limits/fair-quota.js";
import type { Logger } from "../../observe/logger.js";
import { HeldBytes } from "./held-bytes.js";
import { type ConnectionBounds, fitConnections, openFilesLimit } from "./open-files.js";
import { TlsFiles, type TlsSettings } from "./tls-files.js";

export interface ListenersOptions {
  readonly config: TlsSettings &
    Pick<
      Config,
      | "maxConnections"
      | "maxConnectionsPerHost"
      | "maxHeldBytes"
      | "maxHeldBytesPerPeer"
      | "messageTimeoutMs"
      | "readTimeoutMs"
    >;
  readonly log: Logger;
  /** The time in Unix milliseconds; the system's unless said. */
  readonly now?: () => number;
}

/**
 * What a node's listeners have in common, so that its bounds hold whichever of them peers come by: how many connections it has and how much
 * it holds for them, of gRPC and of HTTP together; and the files of TLS, which are read once for all.
 */
export class Listeners {
  readonly held: HeldBytes;
  readonly connections: FairQuota;
  readonly tls: TlsFiles;
  readonly #log: Logger;
  readonly #wanted: ConnectionBounds;
  readonly #bounds: ConnectionBounds;
  readonly #openFiles = openFilesLimit();

  constructor({ config, log, now = Date.now }: ListenersOptions) {
    this.held = new HeldBytes({
      maxBytes: config.maxHeldBytes,
      maxConnectionBytes: config.maxHeldBytesPerPeer,
      messageWithinMs: config.messageTimeoutMs,
      readWithinMs: config.readTimeoutMs,
    });
    this.#wanted = { max: config.maxConnections, maxPerHost: config.maxConnectionsPerHost };
    this.#bounds = fitConnections(this.#wanted, this.#openFiles);
    this.connections = new FairQuota(this.#bounds.max, this.#bounds.maxPerHost);
    this.tls = new TlsFiles(config, log, now);
    this.#log = log;
  }

  /**
   * Before any of them listens.
   *
   * @throws ToolgateError INVALID_CONFIG when the TLS files cannot be used
   */
  async start(): Promise<void> {
    const [wanted, bounds] = [this.#wanted, this.#bounds];
    if (bounds.max < wanted.max)
      this.#log.warn({ event: "connections_cut", ...bounds, wanted: wanted.max, openFiles: this.#openFiles });
    await this.tls.start();
    this.held.start();
  }

  /** After all of them have stopped. Idempotent. */
  async stop(): Promise<void> {
    this.held.stop();
    await this.tls.stop();
  }
}
