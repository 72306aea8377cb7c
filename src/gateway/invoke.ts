import type { Identity } from "../access/access-control.js";
import type { CallerAccess } from "../access/caller-access.js";
import { after } from "../async/after.js";
import { deferred } from "../async/deferred.js";
import { toToolgateError } from "../errors/to-toolgate-error.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import { callerName } from "../identity/caller-name.js";
import type { Principal } from "../identity/principal.js";
import type { CallSpan } from "../observe/traces/node-spans.js";
import type { Ending, SaidEnding } from "../store/calls/call-record.js";
import { EndingWatch } from "./await-ending.js";
import { isOthers, requireStillFollowed } from "./call-access.js";
import type { CallSpec } from "./call-spec.js";
import type { GatewayParts } from "./gateway-parts.js";
import { callIdOf, type PlacedCall, type PlacingOptions, placeCall } from "./place-call.js";
import { traceCall } from "./traced-call.js";
import { wholeEnding } from "./whole-ending.js";

/** A caller that waits until its call has ended. */
export interface InvokeCaller {
  readonly principal: Principal;
  /** What it may do as of now. */
  readonly access: CallerAccess;
  /** Its credential, for the audit; absent where it has none. */
  readonly identity?: Pick<Identity, "credential"> | undefined;
  /** `host:port` of its connection's other end. */
  readonly peer: string;
  /** What is left until its own deadline, in milliseconds; undefined when it set none. */
  readonly deadlineMs: number | undefined;
  /** Aborted when it does not wait any more. */
  readonly signal: AbortSignal;
  /** Why it does not wait any more; undefined while it does. */
  readonly abandoned: ToolgateError | undefined;
  /** Calls back when it does not wait any more, at once if that is so already. One listener, the last one. */
  whenAbandoned(listener: (reason: ToolgateError) => void): void;
  /** Has it decided anew, after each change of what anybody may do, whether the caller goes on; the check throws where it does not. */
  recheckBy(check: (access: CallerAccess) => void): void;
}

/** A call that has ended, as it was placed. */
export interface InvokedCall {
  readonly placed: PlacedCall;
  readonly ending: Ending;
}

/** The most of a request's time that is kept for telling how the call ended, in milliseconds; of short ones it is a tenth. */
const MOST_MARGIN_MS = 1_000;

/**
 * How long before its request's deadline a call is to have ended: what comes later does not reach the caller, whose own timer
 * ends the request, and with it go the call's id and whether it ran.
 */
function marginMs(deadlineMs: number): number {
  return Math.min(MOST_MARGIN_MS, deadlineMs / 10);
}

/** Fails a request shortly before its deadline: the call is over by then, and how it ended is not known yet. */
function answerInTime(
  deadlineMs: number,
  id: CallId,
  fail: (error: ToolgateError) => void,
): NodeJS.Timeout | undefined {
  const message = `the call's time is over, and how it ended is not known yet; follow "${id}"`;
  const late = new ToolgateError("DEADLINE_EXCEEDED", message, { executed: "unknown", metadata: { call_id: id } });
  return after(deadlineMs - marginMs(deadlineMs) / 2, () => fail(late));
}

/** The caller waits for the end, and for nothing before it. */
const AWAITED: PlacingOptions = { subscribe: true, acknowledge: false };

/**
 * Places a call and waits for its end. A call whose caller leaves is cancelled, unless it asked that the call go on.
 *
 * @throws ToolgateError what `placeCall` and `wholeEnding` throw, and the reason for which the caller left
 */
export async function invoke(parts: GatewayParts, caller: InvokeCaller, spec: CallSpec): Promise<InvokedCall> {
  const traced = traceCall(parts.traces, "Invoke", spec);
  if (traced === undefined) return await placeAndWait(parts, caller, spec, undefined);
  try {
    const invoked = await placeAndWait(parts, caller, traced.spec, traced.span);
    traced.span.ended(invoked.ending);
    return invoked;
  } catch (error) {
    traced.span.failed(toToolgateError(error).reason);
    throw error;
  }
}

async function placeAndWait(
  parts: GatewayParts,
  caller: InvokeCaller,
  spec: CallSpec,
  span: CallSpan | undefined,
): Promise<InvokedCall> {
  const { placing, awaiting, readings } = parts;
  const { principal, access, identity, deadlineMs, peer } = caller;
  const id = callIdOf(placing, principal, spec);
  const ended = deferred<SaidEnding>();
  const watch = new EndingWatch(awaiting, id, { ended: ended.resolve, lost: ended.reject });
  // A request that was refused has no call: under its id there may be another caller's.
  let mayBeAdmitted = false;
  // It can have no waiters any more: its caller never received its id, and cannot ask for it again.
  let orphaned = false;
  let late: NodeJS.Timeout | undefined;
  let reading: AbortController | undefined;
  const giveUp = (why: ToolgateError): void => {
    ended.reject(why);
    reading?.abort(why);
  };
  try {
    const withinMs = deadlineMs && deadlineMs - marginMs(deadlineMs);
    const placer = {
      principal,
      access,
      identity,
      peer,
      remainingMs: withinMs,
      answerWithinMs: withinMs,
      presence: caller,
    };
    let placed: PlacedCall;
    try {
      placed = await placeCall(placing, placer, id, spec, AWAITED);
      mayBeAdmitted = true;
      span?.admitted(id, placed.head.epoch, placed.repeated);
    } catch (error) {
      mayBeAdmitted = toToolgateError(error).executed !== "no";
      orphaned = mayBeAdmitted && !spec.repeatable;
      throw error;
    }
    const { head } = placed;
    if (isOthers(caller.access, head)) {
      const check = (now: CallerAccess): void => requireStillFollowed(now, head, placing.catalog);
      caller.recheckBy(check);
      check(caller.access);
    }
    watch.admitted(placed.head, placed.ending);
    caller.whenAbandoned(giveUp);
    if (caller.deadlineMs !== undefined) late = answerInTime(caller.deadlineMs, id, giveUp);
    const said = await ended.promise;
    const ending = await wholeEnding(readings, id, said, {
      ...{ principal, peer },
      get signal() {
        reading = new AbortController();
        return reading.signal;
      },
    });
    return { placed, ending };
  } finally {
    clearTimeout(late);
    watch.stop();
    // A call whose deadline passed ends by itself, and says why.
    const abandoned = caller.abandoned !== undefined && caller.abandoned.reason !== "DEADLINE_EXCEEDED";
    if ((abandoned || orphaned) && mayBeAdmitted && !spec.continueOnDisconnect) parts.cancel(id, callerName(principal));
  }
}
