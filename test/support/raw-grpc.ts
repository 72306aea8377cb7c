import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectSocket } from "node:net";

/** A message as gRPC frames it: a flag, its length, its bytes. `declared` may promise more bytes than come. */
export function framed(message: Uint8Array, { compressed = false, declared = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(declared, 1);
  return Buffer.concat([head, message]);
}

/** How a raw stream ended: by a status, or by a reset. */
export interface RawEnd {
  /** `grpc-status`; undefined when the stream was reset before one came. */
  readonly status: string | undefined;
  readonly message: string;
  /** The code of HTTP/2 that it was closed with; 0 where nothing was wrong. */
  readonly rstCode: number;
}

/** One stream over bare HTTP/2: what it sends need not be a gRPC client's. */
export interface RawStream {
  readonly stream: ClientHttp2Stream;
  /** Resolves when a status came, or the stream was closed. */
  readonly ended: Promise<RawEnd>;
  /** Sends bytes piece by piece, as the peer makes room, until the stream is closed; it is not ended. */
  send(bytes: Buffer): void;
}

/** A connection over bare HTTP/2, which sends what no client of gRPC would. */
export class RawConnection {
  readonly session: ClientHttp2Session;

  /**
   * @param windowBytes what a stream's peer may send before any of it is read; 0 for a peer that never reads.
   * @param from the address of this machine that it comes from; on Linux any that begins with 127 is there.
   */
  constructor(address: string, { windowBytes = 65_535, from = "127.0.0.1" } = {}) {
    const port = Number(address.split(":")[1]);
    this.session = connect(`http://${address}`, {
      settings: { initialWindowSize: windowBytes },
      createConnection: () => connectSocket({ host: "127.0.0.1", port, localAddress: from }),
    });
    this.session.on("error", () => {}); // it may be cut
  }

  /** Opens a stream to a method, such as `/toolgate.v1.Gateway/Invoke`. */
  open(path: string, headers: Readonly<Record<string, string>> = {}): RawStream {
    const stream = this.session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => {});
    const ended = new Promise<RawEnd>((resolve) => {
      const settle = (said: Readonly<Record<string, unknown>> = {}): void => {
        const status = said["grpc-status"];
        resolve({
          status: status === undefined ? undefined : String(status),
          message: decodeURIComponent(String(said["grpc-message"] ?? "")),
          rstCode: stream.rstCode ?? 0,
        });
      };
      // A status alone comes as headers.
      stream.once("response", (said) => said["grpc-status"] !== undefined && settle(said));
      stream.once("trailers", (said) => settle(said));
      stream.once("close", () => settle());
    });
    return { stream, ended, send: (bytes) => sendPieces(stream, bytes) };
  }

  close(): void {
    this.session.destroy();
  }
}

/** How much is written at once, in bytes: what Node has not sent when a connection is closed, it may not survive. */
const PIECE_BYTES = 65_536;

function sendPieces(stream: ClientHttp2Stream, bytes: Buffer): void {
  if (bytes.length === 0 || stream.closed || stream.destroyed) return;
  const rest = bytes.subarray(PIECE_BYTES);
  stream.write(bytes.subarray(0, PIECE_BYTES), (error) => {
    if (!error) sendPieces(stream, rest);
  });
}
