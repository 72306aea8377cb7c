import type { ToolgateError, Violation } from "../errors/toolgate-error.js";
import type { ConnectionOptions, JsonOptions } from "./connection-options.js";
import type { LogLevel } from "./tool-log.js";
import type { EpochState } from "./toolset.js";

/** Something in a schema that is ignored, as the JSON Schema specification demands, and that may be a slip. */
export interface SchemaWarning {
  /** The tool whose schema it is. */
  readonly tool: string;
  /** JSON pointer into the tool, such as /payload_schema/properties/a. */
  readonly path: string;
  /** What is ignored, and what may have been meant. */
  readonly message: string;
}

/** Something that the registration left out of the toolset, since the gateway cannot use it. */
export interface SkippedPart {
  /** The tool. */
  readonly tool: string;
  /** Only the tool's result schema is left out, so that any result is accepted; the tool itself is served. */
  readonly resultSchemaOnly: boolean;
  /** Why; at most eight. */
  readonly violations: readonly Violation[];
}

/** Why a provider serves no more. */
export type ProviderClosed =
  /** `stop` was called, or its signal aborted. */
  | { readonly kind: "stopped" }
  /** The epoch's time is over: a newer contract has taken its place. */
  | { readonly kind: "retired" }
  /** The toolset was unregistered. */
  | { readonly kind: "unregistered" }
  /** A later incarnation of the same provider registered. */
  | { readonly kind: "replaced" }
  /** A node refused it for good. */
  | { readonly kind: "failed"; readonly error: ToolgateError };

/** What happens to a provider, for logs and supervisors. */
export type ProviderEvent =
  | { readonly kind: "registered"; readonly epoch: number; readonly digest: string; readonly state: EpochState }
  | { readonly kind: "attached"; readonly address: string; readonly nodeId: string; readonly state: EpochState }
  /** The session ended; it is being attached to a node again. */
  | { readonly kind: "detached"; readonly address: string; readonly error?: ToolgateError }
  /** The node asked the provider to move, to stop or to register again. */
  | { readonly kind: "go_away"; readonly address: string; readonly reason: GoAwayReason }
  /** A newer contract is active; calls come only as far as the rules of a rolling update say. */
  | { readonly kind: "superseded"; readonly activeEpoch: number; readonly activeVersion: string }
  | { readonly kind: "draining" }
  | { readonly kind: "closed"; readonly reason: ProviderClosed };

/** Why a node ended a session. */
export type GoAwayReason = "node_draining" | "retired" | "unregistered" | "lease_lost" | "replaced";

/** What a provider logs with; pino's loggers are of this form, as `console` nearly is. */
export interface ProviderLogger {
  /** For what tools log at this level; absent drops it. */
  debug?(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  /** For what tools throw, and log at this level; `warn` gets it when absent. */
  error?(fields: object, message: string): void;
}

export interface ServeOptions extends ConnectionOptions, JsonOptions {
  /** The nodes, as `host:port`, several of them separated by commas or as an array. */
  readonly nodes: string | readonly string[];
  /**
   * Stable name of the provider: [A-Za-z0-9][A-Za-z0-9._-]{0,127}. A later start under the same name replaces this one;
   * random when absent.
   */
  readonly providerId?: string;
  /** The most calls at once, 1 to 10,000; 16 when absent. */
  readonly maxInFlight?: number;
  /** Accept another contract whose version is not higher: a rollback, or a contract changed in place. */
  readonly replace?: boolean;
  /**
   * Leave out the tools that the gateway cannot use, such as one whose payload schema is invalid, and result schemas that are
   * invalid, instead of failing; `skipped` names them. Without any tool left, it fails all the same.
   */
  readonly skipInvalid?: boolean;
  /** The share of the active epoch's room at which a candidate takes over, in (0, 1]; 0.5 when absent. */
  readonly activateAt?: number;
  /** The most unfinished calls of this epoch, waiting and running; the registry's default when absent. */
  readonly maxBacklog?: number;
  /** How long the toolset stays listed without any live provider, in milliseconds; the registry's default when absent. */
  readonly retentionMs?: number;
  /** How long a retiring epoch's providers may go on, in milliseconds; the registry's default when absent. */
  readonly retireAfterMs?: number;
  /** The largest result, in bytes of JSON; the registry's limit when absent, and never more. A larger one is a tool error. */
  readonly maxResultBytes?: number;
  /** The largest piece of output, in bytes of JSON; 1,048,576 when absent, and never more than a result. A larger one makes `emit` reject, and its call a tool error. */
  readonly maxDeltaBytes?: number;
  /** Gives up registering and, once the toolset is served, stops the provider, as `stop` does. */
  readonly signal?: AbortSignal;
  /**
   * Gets one line per event, without payloads; what is ignored in the schemas, once; what tools log with `context.log`; and what
   * they throw that is no ToolFailure, with its stack. When absent, warnings and errors of schemas and tools go to standard error.
   */
  readonly logger?: ProviderLogger;
  /** The least level of lines of `context.log` that also go to their call's output, as a LogDelta; none do when absent. */
  readonly logOutput?: LogLevel;
  /** Receives the provider's events. What it throws is ignored. */
  readonly onEvent?: (event: ProviderEvent) => void;
}

export interface StopOptions {
  /** How long calls in hand may go on, in milliseconds; 10,000 when absent. */
  readonly graceMs?: number;
}

/** Where a provider stands. */
export type ProviderStateKind = "connecting" | "registering" | "attaching" | "serving" | "draining" | "closed";

/** A toolset that is being served. It stays so over lost connections, stopped nodes and lost leases. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  readonly providerId: string;
  /** This start of the provider. */
  readonly incarnation: string;
  /** The epoch that it serves. */
  readonly epoch: number;
  /** The contract's digest. */
  readonly digest: string;
  /** Where the epoch stood when a node last said so. */
  readonly epochState: EpochState;
  readonly state: ProviderStateKind;
  /** How many calls run, or have a result that the gateway has not dealt with yet. */
  readonly inHand: number;
  /** What was ignored in the schemas. */
  readonly warnings: readonly SchemaWarning[];
  /** What `skipInvalid` left out. */
  readonly skipped: readonly SkippedPart[];
  /** Takes no more calls; resolves when those in hand are dealt with. The lease is kept until `stop`. */
  drain(): Promise<void>;
  /**
   * Drains, aborts what still runs after the grace, gives the lease back and closes the connections. Repeating it gives
   * the same promise.
   *
   * Tools that are aborted have a second to stop and to have said so: such a call ends as cancelled, or as the tool error
   * that the tool throws. One whose tool ignores its signal has an unknown outcome. An idempotent one is run again by
   * another provider in either case, unless it came to its result.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Resolves when the provider serves no more, with the reason; never rejects. */
  readonly closed: Promise<ProviderClosed>;
}
