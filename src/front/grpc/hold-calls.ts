import { constants } from "node:http2";
import type { ServerInterceptor } from "@grpc/grpc-js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import { toServiceError } from "../../protocol/status-details.js";
import type { FailCall, HeldForConnection } from "../listening/held-bytes.js";
import { Blocks } from "./blocks.js";
import type { Connections } from "./connections.js";
import { HELD, type InnerCall } from "./grpc-call.js";
import type { InflateTurns } from "./inflate-turns.js";
import { MessageDecoder } from "./message-decoder.js";
import { READ_FAILED_WITHIN_MS } from "./stalled-stream.js";
import { writeInPieces } from "./write-pieces.js";

export interface HoldCallsParts {
  readonly connections: Pick<Connections, "heldFor">;
  readonly inflating: InflateTurns;
  /** How large a message of an RPC may be, in bytes, by its path. */
  readonly maxMessageBytes: (path: string) => number;
}

/**
 * Counts what is held for each call, from its first byte on. It changes calls in place and wraps none: a wrapped call costs each
 * message several functions more.
 */
export function holdCalls({ connections, inflating, maxMessageBytes }: HoldCallsParts): ServerInterceptor {
  const blocks = new Blocks();
  return (method, call) => {
    const inner = call as unknown as InnerCall; // no interceptor came before this one
    const connection = connections.heldFor(inner.stream.session);
    if (connection === undefined)
      inner.stream.close(constants.NGHTTP2_CANCEL); // its connection has just gone
    else hold(inner, connection, method.requestStream, maxMessageBytes(method.path));
    return call as ReturnType<ServerInterceptor>; // either of the two is a call, and only the one class is in the types
  };

  function hold(inner: InnerCall, connection: HeldForConnection, requestStream: boolean, maxBytes: number): void {
    const held = connection.open({
      messages: requestStream ? "many" : "one",
      hasSentAll: () => inner.stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE,
      end: (why, fail) => {
        decoder.forget();
        inflating.forget(connection, held);
        end(inner, why, fail);
      },
    });
    const decoder = new MessageDecoder(maxBytes, held, blocks);
    inner[HELD] = held;
    writeInPieces(inner.stream, () => held.progressed());
    inner.decoder = decoder;
    inner.stream.once("close", () => {
      held.leave();
      decoder.forget();
      inflating.forget(connection, held);
    });
    const { incomingEncoding } = inner;
    if (incomingEncoding !== "gzip" && incomingEncoding !== "deflate") return;
    let arrived = 0;
    inner.decompressMessage = async (message, encoding) => {
      const ordinal = arrived++; // grpc-js asks for them in order, and may have several inflated at once
      const body = message.subarray(5);
      if (encoding !== incomingEncoding) return body;
      try {
        const inflated = await inflating.inflate(connection, held, body, incomingEncoding, maxBytes);
        held.inflated(ordinal, inflated.message.length, inflated.letGo);
        return inflated.message;
      } catch (error) {
        throw toServiceError(error);
      }
    };
  }
}

/**
 * Ends a call with a status: by the way of its handler, where one has it. If something waits for the peer to read it, the status
 * would have to wait too, and all of it would stay in memory: then the stream is reset, by which gRPC's clients know
 * RESOURCE_EXHAUSTED as well (gRPC over HTTP/2, "Errors").
 */
function end(inner: InnerCall, why: ToolgateError, fail: FailCall | undefined): void {
  const { stream } = inner;
  const stuck = stream.writableLength > 0;
  if (fail !== undefined) fail(why);
  else inner.sendStatus(toServiceError(why));
  if (stuck) {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  // A peer that goes on sending although it has its status.
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), READ_FAILED_WITHIN_MS).unref();
  stream.once("close", () => clearTimeout(timer));
}
