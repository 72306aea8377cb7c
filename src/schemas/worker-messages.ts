import type { JsonSchema } from "../contract/contract.js";
import type { CompileOptions } from "./compiler.js";
import type { InlineValidator } from "./prepare-schema.js";
import type { SchemaFault } from "./schema-graph.js";
import type { SchemaLimits } from "./schema-policy.js";
import type { Validation } from "./validation.js";
import type { SchemaNote } from "./warnings.js";

/** What a worker is asked for. */
export type WorkerRequest =
  /** Everything that registration wants to know of a schema: does it pass the policy, follow its draft, and compile? */
  | {
      readonly kind: "inspect";
      readonly schema: JsonSchema;
      readonly limits: SchemaLimits;
      readonly options: CompileOptions;
    }
  /** Keep a schema ready under a key. */
  | {
      readonly kind: "prepare";
      readonly key: string;
      readonly schema: JsonSchema;
      readonly limits: SchemaLimits;
      readonly options: CompileOptions;
    }
  /** Judge a value, which is sent as its JSON, by the schema that was prepared under a key. */
  | { readonly kind: "validate"; readonly key: string; readonly bytes: Uint8Array };

/** What it answers. */
export type WorkerReply =
  | { readonly kind: "inspected"; readonly faults: readonly SchemaFault[]; readonly notes: readonly SchemaNote[] }
  /** `inline` where small values need no worker. */
  | { readonly kind: "prepared"; readonly inline: InlineValidator | undefined }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] }
  | { readonly kind: "validated"; readonly validation: Validation }
  /** The key is not known: the worker is new, or has forgotten it. */
  | { readonly kind: "unprepared" };

/** The first message of a worker, when it can take requests. */
export interface WorkerReady {
  /** What the system calls its thread; empty where it does not say. */
  readonly thread: string;
}

/** Every later one. */
export interface WorkerAnswer {
  readonly reply: WorkerReply;
  /** The CPU time that its thread has used since it started, in milliseconds; absent where the system does not say. */
  readonly spentMs: number | undefined;
  /** What its heap takes, with what it has not collected yet, in bytes. */
  readonly heapBytes: number;
}

/** How many prepared schemas a worker keeps; what is forgotten is prepared again when it is needed. */
export const MAX_PREPARED = 200;
