import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";
import { callMetadata, gatewayClient } from "./client.js";

/** `CallTool`, then `FollowCall` until the terminal. Against the bare echo, it follows at once. */
export function followCaller({ address, toolset, tool, payload, key }: CallTarget): Caller {
  const client = gatewayClient(address);
  const metadata = callMetadata(key);
  const call = { toolset, tool, payloadJson: Buffer.from(payload), timeoutMs: CALL_TIMEOUT_MS };
  return {
    call(onEnd) {
      client.CallTool({ call }, metadata, (error, admitted) => {
        if (error) return onEnd(error);
        let ending: string | undefined;
        const stream = client.FollowCall({ callId: admitted?.handle?.callId ?? "" }, metadata);
        stream.on("data", ({ terminal }) => {
          ending ??= terminal?.kind;
        });
        stream.on("error", (lost: Error) => onEnd(lost));
        stream.on("end", () =>
          onEnd(ending === "TERMINAL_KIND_RESULT" ? undefined : new Error(`a followed call ended as ${ending}`)),
        );
      });
    },
  };
}

/** A server stream alone, as the bare echo gives it: `units` is the number of its messages. */
export function streamCaller({ address, payload, key }: CallTarget): Caller {
  const client = gatewayClient(address);
  const metadata = callMetadata(key);
  return {
    call(onEnd) {
      let deltas = 0;
      // The echo takes the payload for the call's id: how much to stream.
      const stream = client.FollowCall({ callId: payload }, metadata);
      stream.on("data", (frame) => {
        deltas += frame.deltas.length;
      });
      stream.on("error", (lost: Error) => onEnd(lost));
      stream.on("end", () => onEnd(undefined, deltas));
    },
  };
}

/** `CallTool` alone: admission, and nothing after it. */
export function admissionCaller({ address, toolset, tool, payload, key }: CallTarget): Caller {
  const client = gatewayClient(address);
  const metadata = callMetadata(key);
  const call = { toolset, tool, payloadJson: Buffer.from(payload), timeoutMs: CALL_TIMEOUT_MS };
  return {
    call(onEnd) {
      client.CallTool({ call }, metadata, (error) => onEnd(error ?? undefined));
    },
  };
}
