import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { listen } from "./listen.js";

/**
 * A proxy that knows a trick: unary calls come in, and it passes them on to its one provider over a stream, one frame per call,
 * and the answers back. So it saves the client's half of each second unary call. Nothing is checked, kept or retried.
 */

interface Unary {
  readonly request: { readonly call: { readonly tool: string; readonly payloadJson: Buffer } };
}
interface Attachment {
  on(event: "data", listener: (frame: { results: readonly { callId: string; resultJson: Buffer }[] }) => void): unknown;
  on(event: "end" | "error", listener: () => void): unknown;
  write(frame: object): boolean;
}

const waiting = new Map<string, (resultJson: Buffer) => void>();
let provider: Attachment | undefined;
let lastId = 0;

const { Gateway, Registry } = loadProtocol();
const server = new Server();
server.addService(Registry.service, {
  Attach(stream: Attachment) {
    provider = stream;
    stream.on("data", ({ results }) => {
      for (const { callId, resultJson } of results) {
        waiting.get(callId)?.(resultJson);
        waiting.delete(callId);
      }
    });
    stream.on("end", () => {});
    stream.on("error", () => {});
  },
});
server.addService(Gateway.service, {
  Invoke({ request: { call } }: Unary, answer: (error: object | null, response?: object) => void) {
    if (provider === undefined) return answer({ code: status.UNAVAILABLE, details: "no provider is attached" });
    const callId = String(++lastId);
    waiting.set(callId, (resultJson) =>
      answer(null, {
        terminal: { callId, kind: "TERMINAL_KIND_RESULT", resultJson, executed: "EXECUTED_YES", attempt: 1 },
      }),
    );
    provider.write({ calls: [{ callId, tool: call.tool, payloadJson: call.payloadJson, attempt: 1 }] });
  },
});
await listen(server, ServerCredentials.createInsecure());
