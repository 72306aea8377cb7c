import { connect } from "../../../src/index.js";
import { CALL_TIMEOUT_MS, type Caller, type CallTarget } from "./caller.js";

/** What an agent written with the SDK gets: promises, parsed results, calls that survive a lost node. */
export async function sdkCaller({ address, toolset, tool, payload, key }: CallTarget): Promise<Caller> {
  const session = (await connect(address, key === undefined ? {} : { key })).session();
  const input: unknown = JSON.parse(payload);
  return {
    call(onEnd) {
      session.invoke(toolset, tool, input, { timeoutMs: CALL_TIMEOUT_MS }).then(
        () => onEnd(undefined),
        (error: unknown) => onEnd(error instanceof Error ? error : new Error(String(error))),
      );
    },
  };
}
