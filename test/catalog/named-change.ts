import type { WatchedChange } from "../../src/catalog/watch.js";

/** A change in words, and whether its toolset is known by now. */
export function namedChange({ entry, toolset }: WatchedChange): string {
  return `${entry.kind} ${entry.toolset}@${entry.epoch} ${toolset === undefined ? "gone" : "known"}`;
}
