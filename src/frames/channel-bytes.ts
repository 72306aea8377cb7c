import { SMALLEST_MESSAGE_BYTES, USUAL_MESSAGE_BYTES } from "../config/message-limits.js";
import { invalidField } from "../identity/names.js";

/**
 * The largest message that a peer's channel takes, in bytes, as it says itself; gRPC's usual limit where it says nothing.
 *
 * @throws ToolgateError INVALID_REQUEST when that is too little for the frames of a session.
 */
export function parseChannelBytes(said: number, field: string): number {
  if (said === 0) return USUAL_MESSAGE_BYTES;
  if (said < SMALLEST_MESSAGE_BYTES) throw invalidField(field, `must be at least ${SMALLEST_MESSAGE_BYTES}`);
  return said;
}
