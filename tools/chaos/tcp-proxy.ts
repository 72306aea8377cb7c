import { createServer, connect as dial, type Server, type Socket } from "node:net";

/**
 * A TCP proxy on loopback that can be told to fail as networks do.
 *
 *   pass     bytes go both ways
 *   refuse   connections are reset, new ones too
 *   stall    nothing moves; what was sent meanwhile arrives when the proxy passes again, as after a short partition
 *   swallow  connections take everything and give nothing, for ever: also when the proxy passes again, these stay half
 *            open, and only new ones work, as after a middlebox forgot them
 *   mute     what goes to the server arrives, what comes back is lost; when the proxy passes again, the connections whose
 *            bytes were lost are reset
 */
export type ProxyMode = "pass" | "refuse" | "stall" | "swallow" | "mute";

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** Takes everything and gives nothing from now on. */
  swallowed: boolean;
  /** Bytes to the client were lost: it must not go on with the rest. */
  torn: boolean;
}

export class TcpProxy {
  readonly #target: () => number;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #mode: ProxyMode = "pass";

  /** @param target the loopback port that connections go to, asked for each. */
  constructor(target: () => number) {
    this.#target = target;
  }

  /** The loopback port that it listens on. */
  get port(): number {
    const address = this.#server?.address();
    if (typeof address !== "object" || address === null) throw new Error("The proxy does not listen yet.");
    return address.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
  }

  /** Ends all connections. Idempotent. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const connection of [...this.#connections]) this.#reset(connection);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Fails in this way from now on, or works again. */
  set(mode: ProxyMode): void {
    const before = this.#mode;
    this.#mode = mode;
    for (const connection of [...this.#connections]) {
      if (mode === "refuse" || (before === "mute" && connection.torn)) this.#reset(connection);
      else if (mode === "swallow") connection.swallowed = true;
      const flows = mode !== "stall" || connection.swallowed;
      for (const socket of [connection.client, connection.server]) {
        if (flows) socket.resume();
        else socket.pause();
      }
    }
  }

  #accept(client: Socket): void {
    if (this.#mode === "refuse") {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const server = dial({ port: this.#target(), host: "127.0.0.1", noDelay: true });
    const connection: Connection = { client, server, swallowed: this.#mode === "swallow", torn: false };
    this.#connections.add(connection);
    this.#carry(connection, client, server, false);
    this.#carry(connection, server, client, true);
  }

  #carry(connection: Connection, from: Socket, to: Socket, back: boolean): void {
    if (this.#mode === "stall") from.pause();
    from.on("data", (bytes) => {
      if (connection.swallowed) return;
      if (back && this.#mode === "mute") {
        connection.torn = true;
        return;
      }
      if (!to.write(bytes)) {
        from.pause();
        to.once("drain", () => {
          if (this.#mode !== "stall") from.resume();
        });
      }
    });
    from.on("end", () => {
      if (!connection.swallowed && !(back && this.#mode === "mute")) to.end();
    });
    from.on("error", () => {}); // `close` follows
    from.on("close", (hadError) => {
      // The other end of a half-open connection does not hear of it.
      if (connection.swallowed) {
        if (connection.client.destroyed && connection.server.destroyed) this.#connections.delete(connection);
        return;
      }
      if (hadError) to.resetAndDestroy();
      else to.end();
      if (to.destroyed) this.#connections.delete(connection);
    });
  }

  #reset(connection: Connection): void {
    this.#connections.delete(connection);
    connection.client.resetAndDestroy();
    connection.server.resetAndDestroy();
  }
}
