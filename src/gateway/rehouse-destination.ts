import type { Destination } from "../calls/admit.js";
import type { StrandedCall } from "../calls/rehouse.js";
import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { ToolsetName } from "../identity/names.js";
import { destinationOf } from "./place-call.js";
import { type PayloadChecks, parsePayload } from "./validate-payload.js";

/** Finds the epoch that takes a call whose own epoch nobody serves any more: the active one, if the payload is valid there. */
export function rehouseDestination(
  catalog: CatalogReader,
  payloads: PayloadChecks,
  maxPayloadBytes: number,
): (toolset: ToolsetName, call: StrandedCall) => Promise<Destination | undefined> {
  return async (toolset, call) => {
    const active = catalog.get(toolset)?.active;
    const tool = active?.tool(call.tool);
    if (active === undefined || tool === undefined || tool.delivery !== call.delivery) return undefined;
    const fits = await payloads.accepts(active, tool, parsePayload(call.payload, maxPayloadBytes));
    return fits ? destinationOf(active) : undefined;
  };
}
