import type { Digest, Epoch, ToolsetName } from "../../identity/names.js";

/**
 * Where an epoch stands: registered and pinged; given new calls; finishing. `unknown`: a later version knows what; it is given no new
 * calls, and what it has may finish.
 */
export type EpochState = "candidate" | "active" | "retiring" | "unknown";

/** Reads where an epoch stands, as records and healths say it. */
export function parseEpochState(text: string): EpochState {
  return text === "candidate" || text === "active" || text === "retiring" ? text : "unknown";
}

/** One epoch in a toolset's record. Times are Unix milliseconds by Redis's clock. */
export interface EpochRecord {
  readonly epoch: Epoch;
  readonly digest: Digest;
  readonly version: string;
  readonly state: EpochState;
  readonly registeredAtMs: number;
  /** The share of the active epoch's room at which a candidate takes over. */
  readonly activateAt: number;
  /** The most unfinished calls. */
  readonly maxBacklog: number;
  /** How long the toolset stays listed without any live provider. */
  readonly retentionMs: number;
  /** How long the epoch's providers may go on once it is retiring. */
  readonly retireAfterMs: number;
  /** When a retiring epoch's sessions are drained; 0 until it is retiring. */
  readonly retireAtMs: number;
}

/**
 * A toolset's registration: the field of its name in the `toolsets` hash, as JSON. Only scripts write it, with the number of its format
 * (`format`, 1); members that they do not know they keep, here and in its epochs, but for empty lists: Lua has one kind of empty table.
 */
export interface ToolsetRecord {
  readonly name: ToolsetName;
  /** The principal that owns the name, as tenant/subject. */
  readonly owner: string;
  /** Counts the record's changes; a decision taken on an older one is not carried out. */
  readonly generation: number;
  readonly epochs: readonly EpochRecord[];
}
