import type { Socket } from "node:net";
import { ChannelCredentials } from "@grpc/grpc-js";

type CreateConnector = ChannelCredentials["_createSecureConnector"];

/** How far a socket is: what had been read when gRPC got it, and whether its TLS handshake is over, where it has one. */
interface Dialled {
  readonly readBefore: number;
  secured: boolean;
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
    for (const [socket, { readBefore, secured }] of this.#sockets) {
      // A server speaks first, by its settings (RFC 9113, 3.4); of TLS the handshake's end must do.
      const isMade = secured || (!this._isSecure() && socket.bytesRead > readBefore);
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
        const dialled = { readBefore: socket.bytesRead, secured: false };
        this.#sockets.set(socket, dialled);
        socket.once("close", () => this.#sockets.delete(socket));
        const result = await connector.connect(socket);
        dialled.secured = result.secure;
        return result;
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }
}
