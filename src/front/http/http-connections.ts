import type { Socket } from "node:net";
import { FairQuota } from "../../limits/fair-quota.js";
import { peerHost } from "../../limits/peer-host.js";
import type { HeldBytes, HeldForConnection } from "../listening/held-bytes.js";

export interface HttpConnectionsOptions {
  readonly held: HeldBytes;
  /** How many connections there are, in all and with one host. */
  readonly max: number;
  readonly maxPerHost: number;
}

interface Connection {
  readonly socket: Socket;
  readonly held: HeldForConnection;
  /** How many requests of it are not answered. */
  requests: number;
}

/** The connections of an HTTP server, bounded in all and by host; see `Connections` of gRPC. */
export class HttpConnections {
  readonly #held: HeldBytes;
  readonly #quota: FairQuota;
  /** By the remote address and port, which a socket has in common with what TLS makes of it. */
  readonly #open = new Map<string, Connection>();
  #empty = (): void => {};

  constructor({ held, max, maxPerHost }: HttpConnectionsOptions) {
    this.#held = held;
    this.#quota = new FairQuota(max, maxPerHost);
  }

  /** Takes a connection that was just accepted; false when it was closed at once, for want of a permit. */
  accept(socket: Socket): boolean {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return refuse(socket); // it has gone already
    const host = peerHost(remoteAddress);
    const held = this.#held.connect(host);
    const permit = this.#quota.acquire(host, {
      owner: held,
      usedAt: () => (held.streams.size > 0 ? Number.POSITIVE_INFINITY : held.usedAt),
      evict: () => socket.destroy(),
    });
    if (typeof permit === "string") {
      held.leave();
      return refuse(socket);
    }
    const key = keyOf(socket);
    const connection: Connection = { socket, held, requests: 0 };
    this.#open.set(key, connection);
    socket.on("error", () => {}); // it may fail before a server listens to it
    socket.once("close", () => {
      permit.release();
      held.leave();
      // The peer may have opened another one from the same port by now.
      if (this.#open.get(key) === connection) this.#open.delete(key);
      if (this.#open.size === 0) this.#empty();
    });
    return true;
  }

  /** The connection of a request's socket; undefined once it is closed. */
  of(socket: Socket): Connection | undefined {
    return this.#open.get(keyOf(socket));
  }

  /** Closes those that are between two requests. */
  destroyIdle(): void {
    for (const { socket, requests } of this.#open.values()) if (requests === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  /** Resolves when none is open. */
  closed(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#empty = resolve;
    });
  }
}

function refuse(socket: Socket): false {
  socket.destroy();
  return false;
}

function keyOf({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress}:${remotePort}`;
}
