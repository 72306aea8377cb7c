import type { Config } from "../../config/config.js";
import type { Limits } from "../../protocol/generated/toolgate/v1/Limits.js";

/** The settings that clients receive, so that what cannot pass is refused where it is made. */
export type LimitSettings = Pick<
  Config,
  | "maxPayloadBytes"
  | "maxResultBytes"
  | "maxMessageBytes"
  | "maxOutputBytes"
  | "maxDeltas"
  | "defaultTimeoutMs"
  | "maxTimeoutMs"
  | "maxContractBytes"
  | "maxSchemaBytes"
>;

/** What a registry accepts, on the wire. */
export function limitsToWire(settings: LimitSettings): Limits {
  const { maxPayloadBytes, maxResultBytes, maxMessageBytes, maxOutputBytes, maxDeltas } = settings;
  const { defaultTimeoutMs, maxTimeoutMs, maxContractBytes, maxSchemaBytes } = settings;
  return {
    maxPayloadBytes,
    maxResultBytes,
    maxMessageBytes,
    maxOutputBytes,
    maxDeltas,
    defaultTimeoutMs,
    maxTimeoutMs,
    maxContractBytes,
    maxSchemaBytes,
  };
}
