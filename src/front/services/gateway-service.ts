import type { CallerAccess } from "../../access/caller-access.js";
import { scopeOf } from "../../access/scope.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { mayWithCall } from "../../gateway/call-access.js";
import { followCall, parseCursor } from "../../gateway/follow-call.js";
import type { GatewayParts } from "../../gateway/gateway-parts.js";
import { invoke } from "../../gateway/invoke.js";
import { listCalls } from "../../gateway/list-calls.js";
import { listEndedCalls } from "../../gateway/list-ended-calls.js";
import { callIdOf, type PlacingOptions, placeCall } from "../../gateway/place-call.js";
import { traceCall } from "../../gateway/traced-call.js";
import { unknownCall } from "../../gateway/unknown-call.js";
import { wholeEnding } from "../../gateway/whole-ending.js";
import { parseCallId } from "../../identity/call-id.js";
import { callerName } from "../../identity/caller-name.js";
import { shareKey } from "../../limits/share-key.js";
import type { CallSpan } from "../../observe/traces/node-spans.js";
import type { GatewayHandlers } from "../../protocol/generated/toolgate/v1/Gateway.js";
import type { CallHead } from "../../store/calls/call-record.js";
import { cancelCall } from "../../store/calls/cancel.js";
import { readCall } from "../../store/calls/read-call.js";
import { AgentSession } from "./agent-session.js";
import { bidi, type Methods, serverStream, unary } from "./methods.js";
import { readCallFilter } from "./read-call-filter.js";
import { readCallSpec } from "./read-call-spec.js";
import { WIRE_STATE, writeEndedCall, writeLivingCall } from "./write-call-summary.js";
import { writeHandle } from "./write-handle.js";
import { writeTerminal } from "./write-terminal.js";

/** What may wait for one agent that does not read, in bytes, besides one message of the largest size. */
const SESSION_BUDGET_BYTES = 8 * 1_048_576;

/** The caller gets a handle, and looks for the end itself. */
const DETACHED: PlacingOptions = { subscribe: false, acknowledge: true };

const LIST_PAGE = { usual: 100, most: 1_000 };

/** The side of the agents. */
export function gatewayMethods(parts: GatewayParts): Methods<GatewayHandlers> {
  const { placing, following, readings } = parts;
  const { store, clock } = following;
  return {
    CallTool: unary(async ({ call }, context) => {
      const leave = parts.enter(shareKey(context.principal, context.peer));
      let span: CallSpan | undefined;
      try {
        let spec = readCallSpec(call, context, context.principal.tenant);
        const traced = traceCall(parts.traces, "CallTool", spec);
        if (traced !== undefined) ({ spec, span } = traced);
        const { principal, access, identity, deadlineMs, peer } = context;
        const caller = {
          principal,
          access,
          identity,
          peer,
          remainingMs: undefined,
          answerWithinMs: deadlineMs,
          presence: context,
        };
        const placed = await placeCall(placing, caller, callIdOf(placing, principal, spec), spec, DETACHED);
        span?.admitted(placed.id, placed.head.epoch, placed.repeated);
        span?.left();
        return {
          handle: writeHandle(placed.id, placed.head, principal.tenant, placed.warnings),
          repeatedRequest: placed.repeated,
        };
      } catch (error) {
        span?.failed(toToolgateError(error).reason);
        throw error;
      } finally {
        leave();
      }
    }),

    Invoke: unary(async ({ call }, context) => {
      const leave = parts.enter(shareKey(context.principal, context.peer));
      try {
        const { placed, ending } = await invoke(parts, context, readCallSpec(call, context, context.principal.tenant));
        const { id, head, warnings } = placed;
        return {
          handle: writeHandle(id, head, context.principal.tenant, warnings),
          terminal: writeTerminal(id, ending),
        };
      } finally {
        leave();
      }
    }),

    FollowCall: serverStream(async function* ({ callId, cursor }, context) {
      const id = parseCallId(callId);
      const reader = { client: shareKey(context.principal, context.peer), signal: context.signal };
      const follower = {
        caller: callerName(context.principal),
        mayFollow(head: CallHead) {
          const check = (access: CallerAccess): void => {
            if (!mayWithCall(access, "follow", head, placing.catalog)) throw unknownCall(id);
          };
          context.recheckBy(check);
          return mayWithCall(context.access, "follow", head, placing.catalog);
        },
      };
      for await (const step of followCall(following, id, parseCursor(cursor), reader, follower)) {
        if (step.kind === "ended")
          yield { terminal: writeTerminal(id, await wholeEnding(readings, id, step.ending, context)) };
        else yield { deltas: step.deltas.map(({ cursor, data, attempt }) => ({ cursor, dataJson: data, attempt })) };
      }
    }),

    GetCall: unary(async ({ callId }, context) => {
      const id = parseCallId(callId);
      const reading = await readCall(store, id, { outputBytes: 0 });
      if (reading === undefined || !mayWithCall(context.access, "follow", reading.head, placing.catalog))
        throw unknownCall(id);
      const ending = reading.ending && (await wholeEnding(readings, id, reading.ending, context));
      return {
        handle: writeHandle(id, reading.head, context.principal.tenant),
        state: WIRE_STATE[reading.state],
        attempt: reading.attempt,
        cancelRequested: reading.cancelRequested,
        terminal: ending === undefined ? null : writeTerminal(id, ending),
        admittedAtMs: reading.head.admittedMs,
      };
    }),

    CancelCall: unary(async ({ callId }, context) => {
      const id = parseCallId(callId);
      let answer = await cancelCall(store, id, callerName(context.principal));
      if (answer.kind === "others" && mayWithCall(context.access, "cancel", answer.head, placing.catalog))
        answer = await cancelCall(store, id, answer.head.caller);
      switch (answer.kind) {
        case "unknown":
        case "others":
          throw unknownCall(id);
        case "told":
          return { state: WIRE_STATE.claimed };
        case "ended": {
          const ending = await wholeEnding(readings, id, answer.ending, context);
          return { state: WIRE_STATE.ended, terminal: writeTerminal(id, ending) };
        }
        default:
          return answer satisfies never;
      }
    }),

    ListCalls: unary(async (request, { principal, access }) => {
      const { tenant } = principal;
      const which = readCallFilter(request, tenant);
      const size = request.pageSize === 0 ? LIST_PAGE.usual : Math.min(request.pageSize, LIST_PAGE.most);
      const scope = scopeOf(access);
      const lister = {
        scope,
        seal: scope.length === 0 ? undefined : parts.pageSeal,
        maySee: (head: CallHead) => mayWithCall(access, "follow", head, placing.catalog),
      };
      if (which.kind === "ended") {
        const page = await listEndedCalls(store, which.filter, size, request.pageToken, lister);
        return { ...page, timeMs: clock.nowMs(), calls: page.calls.map((call) => writeEndedCall(call, tenant)) };
      }
      const page = await listCalls(store, which.filter, size, request.pageToken, lister);
      return { ...page, calls: page.calls.map((call) => writeLivingCall(call, tenant)) };
    }),

    Session: bidi(
      (stream) => {
        const session = new AgentSession({
          parts,
          caller: stream,
          peer: stream.peer,
          sink: stream,
          budgetBytes: parts.maxMessageBytes + SESSION_BUDGET_BYTES,
          fail: (error) => stream.fail(error),
          end: () => stream.end(),
        });
        const onDrain = (): void => session.goAway();
        stream.recheckBy((access) => session.recheck(access));
        stream.draining.addEventListener("abort", onDrain, { once: true });
        stream.onFrame((frame) => session.onFrame(frame));
        stream.onPeerEnd(() => session.finish());
        stream.onOver(() => {
          stream.draining.removeEventListener("abort", onDrain);
          session.close();
        });
      },
      { refusesParts: true },
    ),
  };
}
