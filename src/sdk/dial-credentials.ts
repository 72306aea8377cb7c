import type { Socket } from "node:net";
import { ChannelCredentials } from "@grpc/grpc-js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];

/** What HTTP/2 is spoken on, and what had been read from it when gRPC got it, in bytes: nothing yet during a TLS handshake. */
interface Dialled {
  spoken: Pick<Socket, "bytesRead"> | undefined;
  readBefore: number;
}

/**
 * The credentials of one channel, which know the sockets that it has dialled.
 *
 * grpc-js has no time limit for a connection attempt, and closing a channel leaves the socket of one open whose peer has accepted it and
 * says nothing, as a frozen process or a broken path does: for ever, one for each attempt
 * (https://github.com/grpc/grpc-node/issues/2785). Credentials are the one place where it hands a socket out. (An attempt whose peer
 * does not even accept it is given up by the system, after a minute or two.)
 */
export class DialCredentials extends ChannelCredentials {
  readonly #credentials: ChannelCredentials;
  readonly #sockets = new Map<Socket, Dialled>();
  #cut = false;

  constructor(credentials: ChannelCredentials) {
    super();
    this.#credentials = credentials;
  }

  /** Closes what is not connected yet, now and later. Connections that were made are the channel's to close. */
  cut(): void {
    this.#cut = true;
    for (const [socket, { spoken, readBefore }] of this.#sockets) {
      // A server speaks first, by its settings (RFC 9113, 3.4).
      const isMade = spoken !== undefined && spoken.bytesRead > readBefore;
      if (!isMade) socket.destroy();
    }
  }

  override _isSecure(): boolean {
    return this.#credentials._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...args: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = this.#credentials._createSecureConnector(...args);
    return {
      connect: async (socket) => {
        if (this.#cut) throw new Error("the connection attempt was given up"); // grpc-js closes the socket
        const isSecure = this._isSecure();
        const dialled: Dialled = { spoken: isSecure ? undefined : socket, readBefore: socket.bytesRead };
        this.#sockets.set(socket, dialled);
        socket.once("close", () => this.#sockets.delete(socket));
        const result = await connector.connect(socket);
        // Of a TLS socket it is what was read behind the encryption.
        if (isSecure) {
          dialled.spoken = result.socket;
          dialled.readBefore = 0;
        }
        return result;
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }
}
