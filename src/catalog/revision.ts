import { createHash } from "node:crypto";
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

/** What stands between a revision's positions and what it is bound to. */
const BOUND = "~";

/**
 * A revision as a reader gets it: bound to what it can see. One that can see other things since has missed more than changes, and starts
 * with a snapshot.
 *
 * @param scope what the reader sees; empty where all readers see the same, and then nothing is bound.
 */
export function bindRevision(revision: string, scope: readonly string[]): string {
  return scope.length === 0 ? revision : `${revision}${BOUND}${mark(scope)}`;
}

/** The revision that a reader brought; empty, as if it had none, where it was made for a reader that sees other things. */
export function unbindRevision(text: string, scope: readonly string[]): string {
  if (scope.length === 0) return text;
  const end = `${BOUND}${mark(scope)}`;
  return text.endsWith(end) ? text.slice(0, -end.length) : "";
}

function mark(scope: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(scope)).digest("base64url").slice(0, 12);
}

/** Per shard the later of two: a revision never goes back within one watch. */
export function laterPositions(a: Positions, b: Positions): Positions {
  return a.map((position, shard) => {
    const other = b[shard] ?? position;
    return compareIds(position, other) >= 0 ? position : other;
  });
}
