import { invalidField } from "../identity/names.js";

/**
 * The most messages that one frame from a peer may carry; clients of ours stop at a few dozen. Without it a frame of 8 MiB
 * holds millions of empty messages, and dealing with them would hold up everybody else on the node.
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
