import type { ProviderResult__Output } from "../../protocol/generated/toolgate/v1/ProviderResult.js";
import type { ProviderAnswer } from "../../providers/check-result.js";

const EMPTY = Buffer.alloc(0);

/** Reads what a provider answered from the wire. */
export function readAnswer(wire: ProviderResult__Output): ProviderAnswer {
  switch (wire.outcome) {
    case "resultJson":
      return { kind: "result", json: wire.resultJson ?? EMPTY, lostNodes: wire.lostNodes };
    case "cancelled":
      return { kind: "cancelled" };
    case "error": {
      const { reason = "", message = "", detailsJson = EMPTY, outcomeUnknown = false } = wire.error ?? {};
      return { kind: "error", reason, message, details: detailsJson, outcomeUnknown };
    }
    default:
      return { kind: "none" };
  }
}
