import type { ToolsetSummary } from "../../protocol/generated/toolgate/v1/ToolsetSummary.js";

/**
 * About how large one answer of many parts becomes, in bytes: a page, or a part of a snapshot. gRPC's libraries take messages
 * of 4 MiB unless configured otherwise, however large a catalogue is.
 */
export const PAGE_BYTES = 1_048_576;

/** What an epoch takes at most: its digest, version, and numbers. */
const EPOCH_BYTES = 512;
/** Tags, lengths and numbers around texts. */
const FRAME_BYTES = 64;

/** About what a toolset in a list takes, in bytes; not less than it does. */
export function summaryBytes({ name, title, description, version, tags, epochs }: ToolsetSummary): number {
  const texts = [name, title, description, version, ...(tags ?? [])];
  const text = texts.reduce((sum, each) => sum + Buffer.byteLength(each ?? "") + 4, 0);
  return text + FRAME_BYTES + (epochs?.length ?? 0) * EPOCH_BYTES;
}

/** About what a list of toolsets takes, in bytes; not less than it does. */
export function listBytes(toolsets: readonly ToolsetSummary[]): number {
  return toolsets.reduce((sum, summary) => sum + summaryBytes(summary), FRAME_BYTES);
}
