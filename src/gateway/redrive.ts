import { ToolgateError } from "../errors/toolgate-error.js";
import { derivedCallId } from "../identity/call-id.js";
import type { ToolsetName } from "../identity/names.js";
import type { CallStore } from "../store/calls/call-store.js";
import { type DeadCall, getDeadCall, purgeDeadCalls } from "../store/calls/dead-calls.js";
import { readStoredMeta } from "./call-meta.js";
import { type Caller, type PlaceCallSettings, type PlacedCall, placeCall } from "./place-call.js";

/** A call that was given up, by its place in the toolset's list. @throws ToolgateError UNKNOWN_CALL, STORE_UNAVAILABLE */
export async function findDeadCall(store: CallStore, toolset: ToolsetName, place: string): Promise<DeadCall> {
  const call = await getDeadCall(store, toolset, place);
  if (call !== undefined) return call;
  throw new ToolgateError(
    "UNKNOWN_CALL",
    `"${toolset}" has no dead call "${place}": it was made again, purged or trimmed`,
  );
}

/**
 * Makes a call again that was given up, and takes it off the list. It runs on without its caller.
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
  const dead = await findDeadCall(store, toolset, place);
  const { shard } = store.keyspace.forToolset(toolset);
  // Derived from the dead call's place: doing it twice, or again after a lost answer, makes one call.
  const id = derivedCallId(shard, caller.principal.tenant, toolset, `redrive ${toolset}`, dead.id);
  const spec = {
    toolset,
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
  const waiting = { ...caller, remainingMs: undefined, answerWithinMs: undefined };
  const placed = await placeCall(placing, waiting, id, spec, { subscribe: false, acknowledge: true });
  await purgeDeadCalls(store, toolset, [dead.id]);
  return placed;
}
