import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { ToolsetName } from "../identity/names.js";
import type { TextReader } from "../json/text-reader.js";
import type { Destination } from "../store/calls/admission.js";
import type { OrphanedCall } from "../store/calls/reassign.js";
import { destinationOf } from "./place-call.js";
import { type PayloadCaller, type PayloadChecks, readPayload } from "./validate-payload.js";

/** The gateway itself, which reads one of them after the other, however much waits, and as long as that takes. */
const GATEWAY_REQUESTER = {
  share: "gateway",
  answerWithinMs: undefined,
  presence: new AbortController(),
  lostNodes: 0,
} satisfies PayloadCaller;

/** Finds the epoch that takes a call whose own epoch has no providers any more: the active one, if the payload is valid there. */
export function reassignDestination(
  catalog: CatalogReader,
  payloads: PayloadChecks,
  texts: TextReader,
  maxPayloadBytes: number,
): (toolset: ToolsetName, call: OrphanedCall) => Promise<Destination | undefined> {
  return async (toolset, call) => {
    const active = catalog.get(toolset)?.active;
    const tool = active?.tool(call.tool);
    if (active === undefined || tool === undefined || tool.delivery !== call.delivery) return undefined;
    const payload = await readPayload(texts, call.payload, maxPayloadBytes, GATEWAY_REQUESTER);
    const fits = await payloads.accepts(active, tool, payload);
    return fits ? destinationOf(active) : undefined;
  };
}
