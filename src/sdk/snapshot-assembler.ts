import type { ToolsetSummary__Output } from "../protocol/generated/toolgate/v1/ToolsetSummary.js";
import type { WatchResponse__Output } from "../protocol/generated/toolgate/v1/WatchResponse.js";

/** Assembles the parts that a snapshot comes in; one stream's, since parts of another one may be of another time. */
export class SnapshotAssembler {
  #toolsets: ToolsetSummary__Output[] = [];

  /** Takes a part, and returns the step as one; undefined while more parts of its snapshot follow. */
  add(step: WatchResponse__Output): WatchResponse__Output | undefined {
    if (step.snapshot === null) return step;
    for (const toolset of step.snapshot.toolsets) this.#toolsets.push(toolset);
    if (step.snapshot.more) return undefined;
    const toolsets = this.#toolsets;
    this.#toolsets = [];
    return { ...step, snapshot: { toolsets, more: false } };
  }
}
