import { ChurnMap } from "../../../src/async/churn-map.js";
import type { SessionCall } from "../../../src/protocol/generated/toolgate/v1/SessionCall.js";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";
import { callMetadata, gatewayClient } from "./client.js";

/** As the wire contract advises: frames of what one turn of the event loop produced. */
const MAX_FRAME_CALLS = 64;

interface Pending {
  readonly onEnd: (error: Error | undefined, units?: number) => void;
  deltas: number;
}

/** `Session`, as a bare grpc-js client speaks it: one stream, frames that batch calls. `output` asks for deltas, and counts them. */
export function sessionCaller(
  { address, toolset, tool, payload, key, traceparent }: CallTarget,
  output: boolean,
): Caller {
  const stream = gatewayClient(address).Session(callMetadata(key));
  const meta = traceparent === undefined ? {} : { meta: { traceparent } };
  const call = { toolset, tool, payloadJson: Buffer.from(payload), timeoutMs: CALL_TIMEOUT_MS, ...meta };
  const pending = new ChurnMap<number, Pending>();
  let lastRef = 0;
  let frame: SessionCall[] = [];
  let failure: Error | undefined;

  const fail = (error: Error): void => {
    failure ??= error;
    for (const { onEnd } of pending.values()) onEnd(error);
    pending.clear();
  };
  stream.on("error", fail);
  stream.on("end", () => fail(new Error("the session was ended")));
  stream.on("data", ({ deltas, terminals }) => {
    for (const { ref } of deltas) {
      const waiting = pending.get(ref);
      if (waiting) waiting.deltas += 1;
    }
    for (const { ref, terminal } of terminals) {
      const waiting = pending.get(ref);
      pending.delete(ref);
      if (terminal?.kind !== "TERMINAL_KIND_RESULT")
        waiting?.onEnd(new Error(`a call ended as ${terminal?.kind}: ${terminal?.error?.message}`));
      else waiting?.onEnd(undefined, output ? waiting.deltas : 1);
    }
  });

  const flush = (): void => {
    for (let from = 0; from < frame.length; from += MAX_FRAME_CALLS)
      stream.write({ calls: frame.slice(from, from + MAX_FRAME_CALLS) });
    frame = [];
  };
  return {
    call(onEnd) {
      if (failure !== undefined) {
        const error = failure;
        setImmediate(() => onEnd(error));
        return;
      }
      const ref = ++lastRef;
      pending.set(ref, { onEnd, deltas: 0 });
      if (frame.push({ ref, call, wantDeltas: output }) === 1) setImmediate(flush);
    },
  };
}
