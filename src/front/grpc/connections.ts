import type { X509Certificate } from "node:crypto";
import type { Http2Session, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { FairQuota } from "../../limits/fair-quota.js";
import { peerHost } from "../../limits/peer-host.js";
import type { HeldBytes, HeldForConnection } from "../listening/held-bytes.js";
import { peerCertificate, type Trust } from "../listening/tls-files.js";

/** How long a connection may take until it has said that it speaks HTTP/2, a TLS handshake included, in milliseconds. */
export const PREFACE_WITHIN_MS = 10_000;

/**
 * How large a call's headers may be, in bytes, its metadata included: each open call holds them, and Node takes four times as
 * much by itself. A call with more is reset (RFC 9113, section 6.5.2).
 */
const MAX_HEADER_BYTES = 16_384;

/**
 * How far a connection is: it has not said that it speaks HTTP/2, it has, or this side has said all on it, its end included, and none
 * of that is left in this process.
 */
type Stage = "silent" | "speaking" | "finished";

interface Connection {
  readonly socket: Socket;
  readonly held: HeldForConnection;
  /** What its other end has proved to have. */
  certificate?: X509Certificate;
  stage: Stage;
  /** Runs while it is silent. */
  readonly silent: NodeJS.Timeout;
  /** Resolves when it is finished or closed. */
  readonly finished: Promise<void>;
  readonly finish: () => void;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
}

export interface ConnectionsOptions {
  readonly held: HeldBytes;
  /** How many connections the node has open, in all and with one host, whichever listener they came by. */
  readonly quota: FairQuota;
  readonly prefaceWithinMs: number;
}

/**
 * The connections of a server. Each costs a file descriptor and memory before a word of gRPC is spoken on it, so they are bounded
 * in all and by host, and one that does not say in time that it speaks HTTP/2 is closed.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #quota: FairQuota;
  /** By the remote address and port, which a socket has in common with what was made of it. */
  readonly #open = new Map<string, Connection>();
  readonly #bySession = new WeakMap<Http2Session, HeldForConnection>();
  readonly #certificates = new WeakMap<Http2Session, Buffer>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#quota = options.quota;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Takes a connection that was just accepted; false when it was closed at once, for want of a permit. */
  accept(socket: Socket): boolean {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return refuse(socket); // it has gone already
    const host = peerHost(remoteAddress);
    const held = this.#options.held.connect(host);
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
    const silent = setTimeout(() => socket.destroy(), this.#options.prefaceWithinMs).unref();
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        clearTimeout(silent);
        permit.release();
        held.leave();
        // The peer may have opened another one from the same port by now.
        if (this.#open.get(key)?.socket === socket) this.#open.delete(key);
        finish();
        resolve();
      });
    });
    this.#open.set(key, { socket, held, stage: "silent", silent, finished, finish, closed });
    return true;
  }

  /** HTTP/2 begins on a connection that was accepted. */
  begin(session: ServerHttp2Session): void {
    const connection = this.#open.get(keyOf(session.socket));
    if (connection === undefined) {
      session.destroy();
      return;
    }
    session.settings({ maxHeaderListSize: MAX_HEADER_BYTES });
    this.#bySession.set(session, connection.held);
    const certificate = peerCertificate(session.socket);
    if (certificate !== undefined) {
      this.#certificates.set(session, certificate.raw);
      connection.certificate = certificate;
    }
    session.once("remoteSettings", () => {
      clearTimeout(connection.silent);
      connection.stage = "speaking";
    });
    // With TLS it is another socket than the one that was accepted.
    session.socket.once("finish", () => {
      connection.stage = "finished";
      connection.finish();
    });
  }

  /** The certificate that a connection's other end has proved to have, in DER; undefined where it gave none, or one that nobody vouches for. */
  certificateOf(session: Http2Session | undefined): Buffer | undefined {
    return session && this.#certificates.get(session);
  }

  /** What is held for a connection; undefined once it is closed. */
  heldFor(session: Http2Session | undefined): HeldForConnection | undefined {
    return session && this.#bySession.get(session);
  }

  /** Resolves when each of those that are open now is finished: what calls answered on it is out of this process. */
  async finished(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ finished }) => finished));
  }

  /** Resolves when each of those that are open now is closed. */
  async closed(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ closed }) => closed));
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

  /** Closes those that have not said that they speak HTTP/2. */
  destroySilent(): void {
    this.#destroy(({ stage }) => stage === "silent");
  }

  /** Closes those that are not finished: what was not sent is lost. */
  destroyUnfinished(): void {
    this.#destroy(({ stage }) => stage !== "finished");
  }

  /** Closes all of them: of what was sent, a peer may lose what it has not read. */
  destroyAll(): void {
    this.#destroy(() => true);
  }

  #destroy(chosen: (connection: Connection) => boolean): void {
    for (const connection of this.#open.values()) if (chosen(connection)) connection.socket.destroy();
  }
}

function refuse(socket: Socket): false {
  socket.destroy();
  return false;
}

function keyOf({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress}:${remotePort}`;
}
