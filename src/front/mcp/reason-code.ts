import { ERROR_CODES, type ErrorReason } from "../../errors/codes.js";
import { status } from "../../errors/grpc-status.js";
import { INTERNAL_ERROR, INVALID_PARAMS } from "./message.js";

const OWN_CODES = 1_000;

/**
 * The code of JSON-RPC that a reason of the error table has. The specification has none for "denied" or "too many", and keeps -32768 to
 * -32000 for itself and JSON-RPC: those that it has no code for are a thousand and the gRPC status of the reason.
 */
export function codeOfReason(reason: ErrorReason): number {
  const { status: of } = ERROR_CODES[reason];
  if (of === status.INVALID_ARGUMENT || of === status.NOT_FOUND) return INVALID_PARAMS;
  return reason === "INTERNAL" ? INTERNAL_ERROR : OWN_CODES + of;
}
