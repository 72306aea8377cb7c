import type { Digest, PlainToolsetName, ToolName } from "../identity/names.js";
import type { Json } from "../json/json.js";

/** A JSON Schema: an object, or a boolean. */
export type JsonSchema = boolean | { readonly [key: string]: Json };

/** How often a tool may run for one call. */
export type Delivery = "once" | "idempotent";

/** Hints about a tool, as the Model Context Protocol defines them; they decide nothing. */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** What else a tool's maker says of it, such as MCP's `_meta` and `icons`; it passes through unread. Numbers are doubles. */
export type ToolMeta = { readonly [key: string]: Json };

/** One tool of a toolset. Optional facts are absent rather than empty, so that equal contracts have equal digests. */
export interface ToolContract {
  readonly name: ToolName;
  readonly title?: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly payload: JsonSchema;
  readonly result?: JsonSchema;
  readonly annotations?: ToolAnnotations;
  readonly delivery: Delivery;
  readonly timeoutMs?: number;
  readonly meta?: ToolMeta;
}

/** Everything that an agent can rely on; tools are sorted by name, tags too. */
export interface Contract {
  /** Its name within its tenant, which is no part of it: the same contract may be registered in several. */
  readonly name: PlainToolsetName;
  readonly version: string;
  readonly title?: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly tools: readonly ToolContract[];
  /** `format` is asserted in its schemas; absent where it is an annotation, as draft 2020-12 has it. */
  readonly assertFormats?: true;
}

/** A contract with its canonical JSON (RFC 8785) and the SHA-256 of that. */
export interface SealedContract {
  readonly contract: Contract;
  readonly canonicalJson: string;
  readonly digest: Digest;
}
