import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { listen } from "./listen.js";
import { type FillInput, filled, type StreamInput } from "./provider-input.js";

/** The baseline of all: a bare grpc-js server that answers the gateway's own messages at once, without a gateway. */

const HANDLE = {
  callId: "0.AAAAAAAAAAAAAAAAAAAAAA",
  toolset: "bench",
  tool: "echo",
  epoch: 1_700_000_000_000,
  digest: "0".repeat(64),
  deadlineMs: 1_700_000_000_000,
  expiresMs: 1_700_000_000_000,
};

const server = new Server({ "grpc.max_receive_message_length": -1 });
server.addService(loadProtocol().Gateway.service, {
  Invoke(call: Unary, answer: (error: null, response: object) => void) {
    const { tool, payloadJson } = call.request.call;
    const resultJson = tool === "fill" ? fill(payloadJson) : payloadJson;
    answer(null, {
      handle: HANDLE,
      terminal: {
        callId: HANDLE.callId,
        kind: "TERMINAL_KIND_RESULT",
        resultJson,
        executed: "EXECUTED_YES",
        attempt: 1,
        endedAtMs: HANDLE.deadlineMs,
      },
    });
  },
  CallTool(_call: Unary, answer: (error: null, response: object) => void) {
    answer(null, { handle: HANDLE });
  },
  FollowCall(stream: Stream) {
    const { callId } = stream.request;
    // The benchmark names in it how much to stream; what was "admitted" above has no output.
    const { count, bytes } = callId === HANDLE.callId ? { count: 0, bytes: 0 } : (JSON.parse(callId) as StreamInput);
    const dataJson = Buffer.from(JSON.stringify("x".repeat(bytes)));
    for (let index = 1; index <= count; index += 1)
      stream.write({ deltas: [{ cursor: String(index), dataJson, attempt: 1 }] });
    stream.write({ terminal: { callId, kind: "TERMINAL_KIND_RESULT", resultJson: Buffer.from("{}") } });
    stream.end();
  },
});

/** What the handlers take of grpc-js's calls. */
interface Unary {
  readonly request: { readonly call: { readonly tool: string; readonly payloadJson: Buffer } };
}
interface Stream {
  readonly request: { readonly callId: string };
  write(frame: object): boolean;
  end(): void;
}

const results = new Map<string, Buffer>();

/** A large result, made once: what the echo measures is gRPC. */
function fill(payloadJson: Buffer): Buffer {
  const key = payloadJson.toString();
  let result = results.get(key);
  if (result === undefined) {
    result = Buffer.from(JSON.stringify(filled(JSON.parse(key) as FillInput)));
    results.set(key, result);
  }
  return result;
}

await listen(server, ServerCredentials.createInsecure());
