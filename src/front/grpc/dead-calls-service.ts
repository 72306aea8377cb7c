import { PAGE_BYTES } from "../../catalog/page-bytes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { toWireHandle } from "../../gateway/call-ending.js";
import type { CallMeta } from "../../gateway/call-spec.js";
import { type PlaceCallSettings, placeCall } from "../../gateway/place-call.js";
import { derivedCallId } from "../../identity/call-id.js";
import { invalidField, parseToolsetName, type ToolsetName } from "../../identity/names.js";
import type { DeadCall as WireDeadCall } from "../../protocol/generated/toolgate/v1/DeadCall.js";
import type { DeadCallsHandlers } from "../../protocol/generated/toolgate/v1/DeadCalls.js";
import type { CallStore } from "../../store/calls/call-store.js";
import { type DeadCall, getDeadCall, listDeadCalls, purgeDeadCalls } from "../../store/calls/dead-calls.js";
import { type Methods, unary } from "./methods.js";

const PAGE = { usual: 100, most: 1_000 };
/** What a dead call takes on the wire besides what its agent said of it, at most. */
const DEAD_CALL_BYTES = 1_024;
const MAX_PURGED = 1_000;
const PLACE = /^[0-9]{1,15}-[0-9]{1,10}$/;

/** The operators' side of calls that were given up. */
export function deadCallsMethods(store: CallStore, placing: PlaceCallSettings): Methods<DeadCallsHandlers> {
  const find = async (toolset: ToolsetName, id: string): Promise<DeadCall> => {
    const call = await getDeadCall(store, toolset, parsePlace(id, "id"));
    if (call !== undefined) return call;
    throw new ToolgateError(
      "UNKNOWN_CALL",
      `"${toolset}" has no dead call "${id}": it was made again, purged or trimmed`,
    );
  };
  return {
    ListDeadCalls: unary(async (request) => {
      const toolset = parseToolsetName(request.toolset, "toolset");
      const size = request.pageSize === 0 ? PAGE.usual : Math.min(request.pageSize, PAGE.most);
      const before = request.pageToken === "" ? "" : parsePlace(request.pageToken, "page_token");
      const found = await listDeadCalls(store, toolset, before, size);
      const calls = withinPage(found);
      const isLast = calls.length === found.length && found.length < size;
      return { calls: calls.map(toWire), nextPageToken: isLast ? "" : (calls.at(-1)?.id ?? "") };
    }),

    GetDeadCall: unary(async (request) => {
      const call = await find(parseToolsetName(request.toolset, "toolset"), request.id);
      return { call: toWire(call), payloadJson: call.payload };
    }),

    RedriveDeadCall: unary(async (request, context) => {
      const { principal, peer } = context;
      const toolset = parseToolsetName(request.toolset, "toolset");
      const dead = await find(toolset, request.id);
      const { shard } = store.keyspace.forToolset(toolset);
      // Derived from the dead call's place: doing it twice, or again after a lost answer, makes one call.
      const id = derivedCallId(shard, principal.tenant, toolset, `redrive ${toolset}`, dead.id);
      const spec = {
        toolset,
        tool: dead.tool,
        payload: dead.payload,
        meta: readMeta(dead.meta),
        repeatable: true,
        expectDigest: undefined,
        wait: true,
        continueOnDisconnect: true,
        timeoutMs: 0,
        lostNodes: 0,
      };
      const caller = { principal, peer, remainingMs: undefined, answerWithinMs: undefined, presence: context };
      const placed = await placeCall(placing, caller, id, spec, { subscribe: false, acknowledge: true });
      await purgeDeadCalls(store, toolset, [dead.id]);
      return { handle: toWireHandle(id, placed.head) };
    }),

    PurgeDeadCalls: unary(async (request) => {
      const toolset = parseToolsetName(request.toolset, "toolset");
      if (request.ids.length > MAX_PURGED) throw invalidField("ids", `must be at most ${MAX_PURGED}`);
      const ids = request.ids.map((id) => parsePlace(id, "ids"));
      return { purged: await purgeDeadCalls(store, toolset, ids) };
    }),
  };
}

/** As many as fit into one message, and at least one. */
function withinPage(calls: readonly DeadCall[]): readonly DeadCall[] {
  let bytes = 0;
  const over = calls.findIndex((call) => {
    const isOver = bytes >= PAGE_BYTES;
    bytes += Buffer.byteLength(call.meta) + DEAD_CALL_BYTES;
    return isOver;
  });
  return over < 0 ? calls : calls.slice(0, over);
}

function parsePlace(text: string, field: string): string {
  if (!PLACE.test(text)) throw invalidField(field, "must be as ListDeadCalls returned it");
  return text;
}

function readMeta(json: string): CallMeta {
  return json === "" ? {} : (JSON.parse(json) as CallMeta); // written by the node that admitted the call
}

function toWire(call: DeadCall): WireDeadCall {
  return {
    id: call.id,
    callId: call.callId,
    toolset: call.toolset,
    tool: call.tool,
    epoch: call.epoch,
    reason: call.reason,
    attempts: call.attempts,
    diedAtMs: call.diedAtMs,
    payloadBytes: call.payload.length,
    meta: readMeta(call.meta),
  };
}
