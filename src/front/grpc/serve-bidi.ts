import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { RpcRule } from "../../access/rpc-rules.js";
import type { Executed } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { FairQuota, Permit, QuotaHolder } from "../../limits/fair-quota.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import type { OpenCall } from "../services/call-context.js";
import type { BidiMethod } from "../services/methods.js";
import { nodeDraining } from "../services/node-draining.js";
import { BidiStream } from "./bidi-stream.js";
import { heldFor, readOneAhead } from "./grpc-call.js";
import { ServerCall, type ServerState } from "./server-call.js";

/** When a peer that met the limit on sessions should come again, in milliseconds. */
const SESSION_RETRY_MS = 1_000;

const EVICTED =
  "This node's sessions are all taken, most of them by this host, and this one was not used for longest: open it again elsewhere.";

/** @throws ToolgateError LIMIT_EXCEEDED when there is none */
function acquirePermit(quota: FairQuota, host: string, holder: QuotaHolder): Permit {
  const permit = quota.acquire(host, holder);
  switch (permit) {
    case "full":
      throw limitExceeded(`This node holds ${quota.count} sessions, and takes no more.`);
    case "host_full":
      throw limitExceeded(`This host holds ${quota.countOf(host)} sessions on this node, and may hold no more.`);
    default:
      return permit;
  }
}

function limitExceeded(message: string, executed: Executed = "no"): ToolgateError {
  return new ToolgateError("LIMIT_EXCEEDED", message, { executed, retryAfterMs: SESSION_RETRY_MS });
}

/**
 * Serves a method that is a stream in both directions. Callers that `rule` does not let in are refused, and hold no session's place while
 * that is found out; a frame that `check` throws at fails the stream.
 */
export function serveBidi(
  method: BidiMethod<never, unknown>,
  state: ServerState,
  rule: RpcRule,
  check: RequestCheck | undefined,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    readOneAhead(call);
    const context = new ServerCall(call, state);
    const stream = new BidiStream<unknown, unknown>(call, context, state, method.refusesParts ? undefined : check);
    try {
      const admitted = context.admit(rule);
      if (admitted === undefined) open(call, context, stream);
      else
        admitted
          .then(() => {
            if (context.abandoned === undefined) open(call, context, stream);
          })
          .catch((error: unknown) => stream.fail(error));
    } catch (error) {
      stream.fail(error);
    }
  };

  function open(
    call: ServerDuplexStream<unknown, unknown>,
    context: ServerCall,
    stream: BidiStream<unknown, unknown>,
  ): void {
    const { sessions } = state;
    const { peer } = context;
    const held = heldFor(call);
    let permit: Permit;
    try {
      if (state.draining.aborted) throw nodeDraining("no");
      const own = sessions.byConnection.get(peer) ?? 0;
      if (own >= sessions.maxPerConnection)
        throw limitExceeded(`This connection holds ${own} sessions, and may hold no more.`);
      permit = acquirePermit(sessions.quota, held?.host ?? peer, {
        owner: held?.connection ?? stream,
        usedAt: () => held?.usedAt ?? 0,
        evict: () => stream.fail(limitExceeded(EVICTED, "unknown")),
      });
    } catch (error) {
      stream.fail(error);
      return;
    }
    sessions.byConnection.set(peer, (sessions.byConnection.get(peer) ?? 0) + 1);
    const open: OpenCall = {
      leave() {}, // it was told when draining began, and ends by itself
      terminate: (reason) => stream.terminate(reason),
      hasExpired: () => context.hasExpired(),
      recheck: () => context.recheck(),
    };
    state.open.add(open);
    call.once("cancelled", () => {
      permit.release();
      const left = (sessions.byConnection.get(peer) ?? 1) - 1;
      if (left === 0) sessions.byConnection.delete(peer);
      else sessions.byConnection.set(peer, left);
      state.open.delete(open);
    });
    try {
      method.handler(stream as BidiStream<never, unknown>); // the frames come from the method's own definition
    } catch (error) {
      stream.fail(error);
    }
  }
}
