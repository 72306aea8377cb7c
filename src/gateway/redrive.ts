import { ToolgateError } from "../errors/toolgate-error.js";
import { derivedCallId } from "../identity/call-id.js";
import { tenantOfCaller } from "../identity/caller-name.js";
import type { ToolsetName } from "../identity/names.js";
import { shownToolset } from "../identity/toolset-name.js";
import type { CallStore } from "../store/calls/call-store.js";
import { type DeadCall, getDeadCall, purgeDeadCalls } from "../store/calls/dead-calls.js";
import { readStoredMeta } from "./call-meta.js";
import { type Caller, type PlaceCallSettings, type PlacedCall, placeCall } from "./place-call.js";

/**
 * A call that was given up, by its place in the toolset's list.
 *
 * @param shown the toolset as its reader names it.
 * @throws ToolgateError UNKNOWN_CALL, STORE_UNAVAILABLE
 */
export async function findDeadCall(
  store: CallStore,
  toolset: ToolsetName,
  place: string,
  shown: string,
): Promise<DeadCall> {
  const call = await getDeadCall(store, toolset, place);
  if (call !== undefined) return call;
  throw new ToolgateError(
    "UNKNOWN_CALL",
    `"${shown}" has no dead call "${place}": it was made again, purged or trimmed`,
  );
}

/**
 * Makes a call again that was given up, as the call of the caller that made it, and takes it off the list. It runs on without that one.
 *
 * @throws ToolgateError UNKNOWN_CALL, and what `placeCall` throws
 */
export async function redrive(
  store: CallStore,
  placing: PlaceCallSettings,
  caller: Pick<Caller, "principal" | "access" | "identity" | "peer" | "presence">,
  toolset: ToolsetName,
  place: string,
): Promise<PlacedCall> {
  const shown = shownToolset(caller.principal.tenant, toolset);
  const dead = await findDeadCall(store, toolset, place, shown);
  const { shard } = store.keyspace.forToolset(toolset);
  const tenant = tenantOfCaller(dead.caller);
  // Derived from the dead call's place: doing it twice, or again after a lost answer, makes one call.
  const id = derivedCallId(shard, tenant, toolset, `redrive ${toolset}`, dead.id);
  const spec = {
    ...{ toolset, shown },
    tool: dead.tool,
    payload: dead.payload,
    meta: readStoredMeta(dead.meta),
    repeatable: true,
    expectDigest: undefined,
    wait: true,
    continueOnDisconnect: true,
    timeoutMs: 0,
    lostNodes: 0,
  };
  const waiting = { ...caller, as: dead.caller, remainingMs: undefined, answerWithinMs: undefined };
  const placed = await placeCall(placing, waiting, id, spec, { subscribe: false, acknowledge: true });
  await purgeDeadCalls(store, toolset, [dead.id]);
  return placed;
}
