import type { FrameItem } from "./frame-writer.js";

/** The keys of a frame that hold lists of messages. */
type ListKey<Frame> = {
  [K in keyof Frame]-?: NonNullable<Frame[K]> extends readonly unknown[] ? K : never;
}[keyof Frame];
type MessageOf<Frame, K extends keyof Frame> = NonNullable<Frame[K]> extends readonly (infer T)[] ? T : never;

/** A message for one of the lists of a frame. */
export type ListItem<Frame> = {
  [K in ListKey<Frame>]: FrameItem & { readonly list: K; readonly message: MessageOf<Frame, K> };
}[ListKey<Frame>];

/** A frame with each message in its list, in order per list. */
export function frameOfLists<Frame extends object>(items: readonly ListItem<Frame>[]): Frame {
  const frame: Partial<Record<keyof Frame, unknown[]>> = {};
  for (const { list, message } of items) {
    const messages = frame[list];
    if (messages === undefined) frame[list] = [message];
    else messages.push(message);
  }
  return frame as Frame; // each message is of its list's type
}
