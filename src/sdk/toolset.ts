import type { Delivery, JsonSchema, ToolAnnotations, ToolMeta } from "../contract/contract.js";

/** Whether an epoch can be called. */
export interface Health {
  /** A pong of this epoch is recent enough, and a provider that is not draining holds a lease. */
  readonly healthy: boolean;
  /** The last pong, by Redis's clock; absent when there was none. */
  readonly lastPong?: Date;
  /** The room of all live providers: the sum of their `maxInFlight`. */
  readonly room: number;
  /** When the last lease ends, by Redis's clock; absent when there is none. */
  readonly liveUntil?: Date;
}

/** Where an epoch stands: not given calls yet, given the new ones, or finishing what it has. */
export type EpochState = "candidate" | "active" | "retiring";

/** One generation of a toolset's registration. */
export interface ToolsetEpoch {
  /** Never reused. */
  readonly epoch: number;
  /** Lower-case hexadecimal SHA-256 of the contract. */
  readonly digest: string;
  readonly version: string;
  readonly state: EpochState;
  /** By Redis's clock. */
  readonly registeredAt: Date;
  readonly health: Health;
}

/** What a toolset has in a list and whole. */
interface ToolsetFacts {
  readonly name: string;
  /** A name for people; empty when it has none. */
  readonly title: string;
  readonly description: string;
  /** Version of the active epoch. */
  readonly version: string;
  readonly tags: readonly string[];
  /** All epochs, the active one first. */
  readonly epochs: readonly ToolsetEpoch[];
  /** The active epoch can be called. */
  readonly healthy: boolean;
  /** The node that answered cannot reach Redis; this is what it knew last. */
  readonly stale: boolean;
}

/** A toolset in a list; the description is at most its first 512 characters. */
export interface ToolsetSummary extends ToolsetFacts {
  readonly toolCount: number;
}

/** A toolset whose record in Redis cannot be read: it cannot be called until a provider registers it again. */
export interface DamagedToolset {
  readonly name: string;
  /** What is wrong with the record. */
  readonly reason: string;
}

/** One toolset whole. */
export interface Toolset extends ToolsetFacts {
  /** The epoch that this contract is of. */
  readonly epoch: number;
  /** The contract's digest; `expectDigest` of a call pins it. */
  readonly digest: string;
  /** `format` is asserted in the schemas; otherwise it is an annotation. */
  readonly assertFormats: boolean;
  /** Sorted by name. */
  readonly tools: readonly Tool[];
}

/** One tool of a toolset. */
export interface Tool {
  readonly name: string;
  /** A name for people; empty when it has none. */
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** JSON Schema of the payload. */
  readonly payload: JsonSchema;
  /** JSON Schema of the result; absent when any JSON is accepted. */
  readonly result?: JsonSchema;
  readonly annotations: ToolAnnotations;
  /** How often the tool may run for one call. */
  readonly delivery: Delivery;
  /** The longest that one call may take, in milliseconds; absent leaves it to the registry. */
  readonly timeoutMs?: number;
  /** What else its maker says of it, such as `_meta` and `icons` of an MCP server's tool; absent when there is nothing. */
  readonly meta?: ToolMeta;
}

/** A toolset or tool that was found. */
export interface SearchHit {
  readonly toolset: string;
  /** Absent when the toolset itself was found. */
  readonly tool?: string;
  /** How well it fits; comparable within one answer only. */
  readonly score: number;
  /** A name for people; empty when it has none. */
  readonly title: string;
  /** At most the first 512 characters. */
  readonly description: string;
  /** The toolset's active epoch can be called. */
  readonly healthy: boolean;
  /** The node that answered cannot reach Redis; this is what it knew last. */
  readonly stale: boolean;
}

/** What happened to a toolset. */
export interface ToolsetChange {
  readonly kind: "registered" | "activated" | "retired" | "healthy" | "unhealthy" | "unregistered";
  readonly toolset: string;
  /** The epoch that it happened to. */
  readonly epoch: number;
  /** When, by Redis's clock. */
  readonly at: Date;
  /** The toolset as it is known now; absent when it is gone. */
  readonly summary?: ToolsetSummary;
}

/** One step of a watch; `revision` is where to resume after it. */
export type WatchEvent =
  /** What there is: at the start, and again where changes were missed. It replaces all that was seen before. */
  | { readonly kind: "snapshot"; readonly toolsets: readonly ToolsetSummary[]; readonly revision: string }
  /** What happened since the step before, in order. */
  | { readonly kind: "changes"; readonly changes: readonly ToolsetChange[]; readonly revision: string };
