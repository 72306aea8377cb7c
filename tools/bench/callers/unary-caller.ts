import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";
import { callMetadata, gatewayClient } from "./client.js";

/** `Invoke`, one unary call each; also what the bare echo and the plain proxy are called with. */
export function unaryCaller({ address, toolset, tool, payload, key, traceparent }: CallTarget): Caller {
  const client = gatewayClient(address);
  const metadata = callMetadata(key);
  const meta = traceparent === undefined ? {} : { meta: { traceparent } };
  const call = { toolset, tool, payloadJson: Buffer.from(payload), timeoutMs: CALL_TIMEOUT_MS, ...meta };
  return {
    call(onEnd) {
      client.Invoke({ call }, metadata, (error, response) => {
        if (error) onEnd(error);
        else if (response?.terminal?.kind !== "TERMINAL_KIND_RESULT")
          onEnd(new Error(`Invoke ended as ${response?.terminal?.kind}: ${response?.terminal?.error?.message}`));
        else onEnd(undefined);
      });
    },
  };
}
