import type { X509Certificate } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FairQuota } from "../../limits/fair-quota.js";
import { peerHost } from "../../limits/peer-host.js";
import type { HeldBytes, HeldForConnection } from "../listening/held-bytes.js";
import { peerCertificate, type Trust } from "../listening/tls-files.js";

export interface HttpConnectionsOptions {
  readonly held: HeldBytes;
  /** How many connections the node has open, in all and with one host, whichever listener they came by. */
  readonly quota: FairQuota;
}

interface Connection {
  readonly socket: Socket;
  readonly held: HeldForConnection;
  /** What its other end has proved to have. */
  certificate?: X509Certificate;
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
  #streams = 0;

  constructor({ held, quota }: HttpConnectionsOptions) {
    this.#held = held;
    this.#quota = quota;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** How many streams of events are open on them. */
  get streams(): number {
    return this.#streams;
  }

  /** Counts an answer as a stream of events until it is closed. */
  beginStream(response: ServerResponse): void {
    this.#streams++;
    response.once("close", () => this.#streams--);
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

  /** The handshake of TLS has ended on a connection that was accepted. */
  secured(socket: Socket): void {
    const connection = this.of(socket);
    const certificate = peerCertificate(socket);
    if (connection !== undefined && certificate !== undefined) connection.certificate = certificate;
  }

  /**
   * Closes those whose certificates do not hold any more, at once: what is open on them was let in by these.
   *
   * @returns how many
   */
  destroyUnlessHeld(holds: Trust): number {
    const ended = [...this.#open.values()].filter(
      ({ certificate }) => certificate !== undefined && !holds(certificate),
    );
    for (const { socket } of ended) socket.destroy();
    return ended.length;
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
