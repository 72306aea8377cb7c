import { requireOnToolset } from "../../access/require-on-toolset.js";
import { readStoredMeta } from "../../gateway/call-meta.js";
import type { PlaceCallSettings } from "../../gateway/place-call.js";
import { findDeadCall, redrive } from "../../gateway/redrive.js";
import { invalidField } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
import type { DeadCall as WireDeadCall } from "../../protocol/generated/toolgate/v1/DeadCall.js";
import type { DeadCallsHandlers } from "../../protocol/generated/toolgate/v1/DeadCalls.js";
import type { CallStore } from "../../store/calls/call-store.js";
import { type DeadCall, listDeadCalls, purgeDeadCalls } from "../../store/calls/dead-calls.js";
import type { CallContext } from "./call-context.js";
import { type Methods, unary } from "./methods.js";
import { PAGE_BYTES } from "./page-bytes.js";
import { writeHandle } from "./write-handle.js";

const PAGE = { usual: 100, most: 1_000 };
/** What a dead call takes on the wire besides what its agent said of it, at most. */
const DEAD_CALL_BYTES = 1_024;
const MAX_PURGED = 1_000;
const PLACE = /^[0-9]{1,15}-[0-9]{1,10}$/;

/** The operators' side of calls that were given up. */
export function deadCallsMethods(store: CallStore, placing: PlaceCallSettings): Methods<DeadCallsHandlers> {
  /** The toolset that an operator names. @throws ToolgateError INVALID_REQUEST, FORBIDDEN, UNKNOWN_TOOLSET */
  const operatedToolset = async (named: string, { principal, access }: Pick<CallContext, "principal" | "access">) => {
    const toolset = resolveToolset(principal.tenant, named, "toolset");
    await requireOnToolset(placing.catalog, access, "operate", toolset);
    return toolset;
  };
  return {
    ListDeadCalls: unary(async (request, context) => {
      const { tenant } = context.principal;
      const toolset = await operatedToolset(request.toolset, context);
      const size = request.pageSize === 0 ? PAGE.usual : Math.min(request.pageSize, PAGE.most);
      const before = request.pageToken === "" ? "" : parsePlace(request.pageToken, "page_token");
      const found = await listDeadCalls(store, toolset, before, size);
      const calls = withinPage(found);
      const isLast = calls.length === found.length && found.length < size;
      return {
        calls: calls.map((call) => writeDeadCall(call, tenant)),
        nextPageToken: isLast ? "" : (calls.at(-1)?.id ?? ""),
      };
    }),

    GetDeadCall: unary(async (request, context) => {
      const { tenant } = context.principal;
      const toolset = await operatedToolset(request.toolset, context);
      const call = await findDeadCall(store, toolset, parsePlace(request.id, "id"), shownToolset(tenant, toolset));
      return { call: writeDeadCall(call, tenant), payloadJson: call.payload };
    }),

    RedriveDeadCall: unary(async (request, context) => {
      const { principal, access, identity, peer } = context;
      const toolset = await operatedToolset(request.toolset, context);
      const caller = { principal, access, identity, peer, presence: context };
      const { id, head } = await redrive(store, placing, caller, toolset, parsePlace(request.id, "id"));
      return { handle: writeHandle(id, head, principal.tenant) };
    }),

    PurgeDeadCalls: unary(async (request, context) => {
      const toolset = await operatedToolset(request.toolset, context);
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

function writeDeadCall(call: DeadCall, tenant: TenantName): WireDeadCall {
  return {
    id: call.id,
    callId: call.callId,
    toolset: shownToolset(tenant, call.toolset),
    tool: call.tool,
    epoch: call.epoch,
    reason: call.reason,
    attempts: call.attempts,
    diedAtMs: call.diedAtMs,
    payloadBytes: call.payload.length,
    meta: readStoredMeta(call.meta),
  };
}
