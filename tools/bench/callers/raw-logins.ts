import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { loadProtocol } from "../../../src/protocol/load.js";

/** How a login that is wrong ended. */
export type LoginOutcome = "refused" | "limited" | "busy" | "answered";

const OUTCOMES: Readonly<Record<string, LoginOutcome>> = { "0": "answered", "16": "refused" };

/** Logins over bare HTTP/2, which come from any address of this machine: grpc-js cannot say from where it calls. */
export class RawLogins {
  readonly #session: ClientHttp2Session;

  /** @param from an address of loopback; on Linux any that begins with 127 is one */
  constructor(address: string, from: string) {
    const [host = "", port = ""] = address.split(":");
    this.#session = connect(`http://${address}`, {
      createConnection: () => connectSocket({ host, port: Number(port), localAddress: from }),
    });
  }

  async connected(): Promise<void> {
    if (this.#session.connecting) await once(this.#session, "connect");
  }

  close(): void {
    this.#session.destroy();
  }

  /** Tries a login, and says how it ended. */
  async tryOut(user: string, password: string): Promise<LoginOutcome> {
    const { path, requestSerialize } = loadProtocol().Access.service.Login;
    const message = requestSerialize({ tenant: "", user, password });
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    message.copy(frame, 5);
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let said: Readonly<Record<string, unknown>> = {};
    const note = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] !== undefined) said = headers;
    };
    // A status alone comes as headers.
    stream.on("response", note).on("trailers", note).resume();
    stream.end(frame);
    await once(stream, "close");
    const status = String(said["grpc-status"]);
    const text = decodeURIComponent(String(said["grpc-message"] ?? ""));
    const known = OUTCOMES[status];
    if (known !== undefined) return known;
    if (status !== "8") throw new Error(`a login ended with status ${status}: ${text}`);
    return /as many passwords as it may at once/.test(text) ? "busy" : "limited";
  }
}
