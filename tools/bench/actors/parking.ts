import { CALL_TIMEOUT_MS, type CallTarget } from "../callers/caller.js";
import { gatewayClient } from "../callers/client.js";

/** Makes calls that do not end, and waits for them. */
export interface ParkCommand {
  readonly kind: "park";
  readonly how: "invoke" | "session";
  readonly target: CallTarget;
  readonly calls: number;
}

/** The most unary calls that a node takes on one connection. */
const CALLS_PER_CONNECTION = 2_000;
const FRAME_CALLS = 64;

let giveUp: (() => void)[] = [];

/** Sends the calls; whether they have arrived is for others to see. */
export function park({ how, target, calls }: ParkCommand): null {
  const { address, toolset, tool, payload } = target;
  const call = { toolset, tool, payloadJson: Buffer.from(payload), timeoutMs: CALL_TIMEOUT_MS };
  switch (how) {
    case "invoke":
      for (let from = 0; from < calls; from += CALLS_PER_CONNECTION) {
        const client = gatewayClient(address);
        const count = Math.min(CALLS_PER_CONNECTION, calls - from);
        const waiting = Array.from({ length: count }, () => client.Invoke({ call }, () => {}));
        giveUp.push(() => {
          for (const one of waiting) one.cancel();
          client.close();
        });
      }
      return null;
    case "session": {
      const client = gatewayClient(address);
      const stream = client.Session();
      stream.on("data", () => {});
      stream.on("error", () => {}); // it is cancelled in the end
      for (let from = 0; from < calls; from += FRAME_CALLS) {
        const count = Math.min(FRAME_CALLS, calls - from);
        stream.write({ calls: Array.from({ length: count }, (_, index) => ({ ref: from + index + 1, call })) });
      }
      giveUp.push(() => {
        stream.cancel();
        client.close();
      });
      return null;
    }
    default:
      return how satisfies never;
  }
}

/** Gives all of them up, which cancels them. */
export function release(): null {
  for (const cancel of giveUp) cancel();
  giveUp = [];
  return null;
}
