import type { handleBidiStreamingCall } from "@grpc/grpc-js";
import type { Executed } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Place, Places, Tenant } from "../../limits/places.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import { BidiStream } from "./bidi-stream.js";
import { heldFor, readOneAhead } from "./grpc-call.js";
import type { BidiMethod } from "./methods.js";
import { nodeDraining } from "./node-draining.js";
import { type OpenCall, ServerCall, type ServerState } from "./server-call.js";

/** When a peer that met the limit on sessions should come again, in milliseconds. */
const SESSION_RETRY_MS = 1_000;

const VACATED =
  "This node's sessions are all taken, most of them by this host, and this one was not used for longest: open it again elsewhere.";

/** @throws ToolgateError LIMIT_EXCEEDED when there is none */
function takePlace(places: Places, host: string, tenant: Tenant): Place {
  const place = places.take(host, tenant);
  switch (place) {
    case "full":
      throw noPlace(`This node holds ${places.count} sessions, and takes no more.`);
    case "host_full":
      throw noPlace(`This host holds ${places.countOf(host)} sessions on this node, and may hold no more.`);
    default:
      return place;
  }
}

function noPlace(message: string, executed: Executed = "no"): ToolgateError {
  return new ToolgateError("LIMIT_EXCEEDED", message, { executed, retryAfterMs: SESSION_RETRY_MS });
}

/** Serves a method that is a stream in both directions. A frame that `check` throws at fails the stream. */
export function serveBidi(
  method: BidiMethod<never, unknown>,
  state: ServerState,
  check: RequestCheck | undefined,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    readOneAhead(call);
    const context = new ServerCall(call, state);
    const stream = new BidiStream<unknown, unknown>(call, context, state, method.refusesParts ? undefined : check);
    const { sessions } = state;
    const { peer } = context;
    const held = heldFor(call);
    let place: Place;
    try {
      void context.principal; // refuses before the handler runs
      if (state.draining.aborted) throw nodeDraining("no");
      const own = sessions.byConnection.get(peer) ?? 0;
      if (own >= sessions.maxPerConnection)
        throw noPlace(`This connection holds ${own} sessions, and may hold no more.`);
      place = takePlace(sessions.places, held?.host ?? peer, {
        owner: held?.connection ?? stream,
        usedAt: () => held?.usedAt ?? 0,
        vacate: () => stream.fail(noPlace(VACATED, "unknown")),
      });
    } catch (error) {
      stream.fail(error);
      return;
    }
    sessions.byConnection.set(peer, (sessions.byConnection.get(peer) ?? 0) + 1);
    const open: OpenCall = {
      leave() {}, // it was told when draining began, and ends by itself
      terminate: (reason) => stream.terminate(reason),
    };
    state.open.add(open);
    call.once("cancelled", () => {
      place.leave();
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
  };
}
