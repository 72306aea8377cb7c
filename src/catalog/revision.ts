import { compareIds, isStreamId, type StreamId } from "../store/registry/change-feed.js";

/**
 * Where a copy of the catalogue stands: per shard the id of the last change that it contains. Callers see it as one
 * opaque text, the revision, and give it back to go on from there, on any node. What it cannot tell: a Redis that lost
 * everything, and wrote its first new entry within the millisecond of the entry that the revision names.
 */
export type Positions = readonly StreamId[];

/** Revisions are short; what is longer never came from a node. */
export const MAX_REVISION_CHARACTERS = 4_096;

export function formatRevision(positions: Positions): string {
  return positions.join(",");
}

/** Parses a revision into its positions; undefined when it is not one of a registry with `shardCount` shards. */
export function parseRevision(revision: string, shardCount: number): Positions | undefined {
  if (revision.length > MAX_REVISION_CHARACTERS) return undefined;
  const positions = revision.split(",");
  return positions.length === shardCount && positions.every(isStreamId) ? positions : undefined;
}

/** Per shard the later of two: a revision never goes back within one watch. */
export function laterPositions(a: Positions, b: Positions): Positions {
  return a.map((position, shard) => {
    const other = b[shard] ?? position;
    return compareIds(position, other) >= 0 ? position : other;
  });
}
