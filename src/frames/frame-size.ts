import { invalidField } from "../identity/names.js";

/**
 * The most messages that one frame from a peer may carry; clients of ours stop at a few dozen. Without it a frame of 8 MiB
 * holds millions of empty messages, and dealing with them would hold up every other peer of the node.
 */
export const MAX_FRAME_MESSAGES = 10_000;

/** Refuses a frame that carries too many messages, before any of them is looked at. @throws ToolgateError INVALID_REQUEST */
export function checkFrameSize(lists: Readonly<Record<string, readonly unknown[]>>): void {
  let messages = 0;
  for (const field in lists) {
    messages += lists[field]?.length ?? 0;
    if (messages > MAX_FRAME_MESSAGES)
      throw invalidField(field, `must bring the frame to at most ${MAX_FRAME_MESSAGES} messages`);
  }
}

/** About what an object, or an entry of a list, takes besides its content, in bytes. */
const OBJECT_BYTES = 64;

/** About how many bytes a frame takes while it is held, as it was decoded. Its messages were counted before. */
export function heldSize(part: unknown): number {
  if (typeof part === "string" || part instanceof Uint8Array) return part.length;
  if (typeof part !== "object" || part === null) return 0;
  let bytes = OBJECT_BYTES;
  for (const value of Object.values(part)) bytes += heldSize(value);
  return bytes;
}
