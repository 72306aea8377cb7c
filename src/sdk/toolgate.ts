import type { RawJson } from "../json/raw-json.js";
import type { Access } from "./access.js";
import type { Audit } from "./audit.js";
import type {
  AdmittedCall,
  CallEvent,
  CallHandle,
  CallStatus,
  CallSummary,
  Cancellation,
  EndedCallSummary,
} from "./call.js";
import type { CallOptions, InvokeOptions } from "./call-options.js";
import type { DeadCall } from "./dead-call.js";
import type { Documents } from "./documents.js";
import type { RegistryInfo } from "./registry-info.js";
import type { RequestOptions } from "./request-options.js";
import type { DamagedToolset, SearchHit, Toolset, ToolsetSummary, WatchEvent } from "./toolset.js";

/** Asks for JSON as RawJson, the very bytes that the tool sent: results, output and details. Nothing is parsed then. */
export interface AsRaw {
  readonly raw: true;
}

/** Which toolsets. */
export interface ToolsetFilter {
  /** Only those that have all of these. */
  readonly tags?: readonly string[];
  /** Only those whose active epoch is, or is not, healthy. */
  readonly health?: "healthy" | "unhealthy";
}

export interface ListOptions extends RequestOptions, ToolsetFilter {}

export interface GetOptions extends RequestOptions {
  /** Which epoch's contract; the active one when absent. */
  readonly epoch?: number;
  /** Only these of its tools; all when absent. */
  readonly tools?: readonly string[];
}

export interface SearchOptions extends RequestOptions, ToolsetFilter {
  /** The most hits to return; 20 when absent. */
  readonly limit?: number;
}

export interface WatchOptions extends RequestOptions {
  /** Only these; all when absent. */
  readonly toolsets?: readonly string[];
  /** Where to go on; a snapshot first when absent. */
  readonly revision?: string;
}

export interface FollowOptions extends RequestOptions {
  /** Where to go on: the cursor of the last piece seen; the beginning when absent. */
  readonly cursor?: string;
}

/** Which calls; what is absent fits all. */
export interface ListCallsOptions extends RequestOptions {
  /** Only calls of this toolset. */
  readonly toolset?: string;
  /** Only calls of tools of this name. */
  readonly tool?: string;
  /** Only calls of this principal of the caller's own tenant. */
  readonly principal?: string;
  /** Only calls that wait for a provider, or only those that one has. */
  readonly state?: "queued" | "claimed";
}

/** Which calls that have ended; what is absent fits all. */
export interface ListEndedCallsOptions extends RequestOptions {
  /** Only calls of this toolset. */
  readonly toolset?: string;
  /** Only calls of tools of this name. */
  readonly tool?: string;
  /** Only calls of this principal of the caller's own tenant. */
  readonly principal?: string;
  /** Only calls that ended in one of these ways. */
  readonly kinds?: readonly EndedCallSummary["kind"][];
  /** Only calls that took at least so long from their admission to their end, in milliseconds. */
  readonly minTotalMs?: number;
  /** Only calls that ended then or later, by Redis's clock. */
  readonly since?: Date;
}

/** Makes calls and waits for them. */
export interface Invoker {
  /**
   * Runs a tool and gives its result.
   *
   * `payload` is any JSON; `undefined` means `{}`; a bigint is written as an integer; a RawJson (see `rawJson`), and a
   * Uint8Array, which is taken as UTF-8 JSON, are sent as they are. With `raw`, the result is a RawJson. The type
   * parameter is the caller's word for what the tool returns: nothing checks it here, the gateway has checked the
   * result against the tool's result schema, unless `onUnchecked` says that it could not.
   *
   * A lost connection is made up for by itself: the call goes on, and is attached to again on any node.
   *
   * @throws ToolgateError when the call was refused, or no node could be reached; `executed` says whether the tool can
   *   have run.
   * @throws ToolCallError when the call was admitted and ended without a result.
   * @throws the signal's reason when it was aborted; the call is then cancelled.
   */
  invoke(toolset: string, tool: string, payload: unknown, options: InvokeOptions<RawJson> & AsRaw): Promise<RawJson>;
  invoke<Result = unknown>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result>;
}

/** A stream of its own for many calls at once; as fast as it gets. The client has one of these inside. */
export interface AgentSession extends Invoker, AsyncDisposable {
  /** How many calls have not ended. */
  readonly inFlight: number;
  /**
   * Ends the session. Calls that have not ended reject with CANCELLED; those whose ids the session made are cancelled,
   * since no client could come back for them. Resolves when the stream is gone; repeating it does nothing.
   */
  close(): Promise<void>;
}

/**
 * A client for agents and operators, over any number of nodes. Whatever it does takes an AbortSignal, goes on at another
 * node when one is lost or stopping, and gives up after `patienceMs` without one that answers.
 */
export interface Toolgate extends Invoker, AsyncDisposable {
  /** What this registry is, and what it accepts. */
  registry(options?: RequestOptions): Promise<RegistryInfo>;
  /** All toolsets by name, page by page as they are read. */
  list(options?: ListOptions): AsyncIterable<ToolsetSummary>;
  /**
   * Toolsets that cannot be called because their record in Redis is damaged, by name, at most a hundred; nodes that are older name
   * none.
   */
  damaged(options?: RequestOptions): Promise<readonly DamagedToolset[]>;
  /** One toolset whole. @throws ToolgateError UNKNOWN_TOOLSET, with near names in the message. */
  get(name: string, options?: GetOptions): Promise<Toolset>;
  /** What fits some words (at most 256 characters), best first: toolsets and tools. */
  search(query: string, options?: SearchOptions): Promise<SearchHit[]>;
  /**
   * A snapshot, then every change in order, until the loop is left or the signal aborts (which throws its reason). A snapshot comes
   * again when what the caller may see has changed.
   */
  watch(options?: WatchOptions): AsyncIterable<WatchEvent>;
  /** Admits a call and gives its handle, without waiting for its end. Repeats are safe, as with `invoke`. */
  call(toolset: string, tool: string, payload?: unknown, options?: CallOptions): Promise<AdmittedCall>;
  /** A call's output so far, then as it comes, none twice; the last event is its terminal. */
  follow(callId: string, options: FollowOptions & AsRaw): AsyncIterable<CallEvent<RawJson>>;
  follow(callId: string, options?: FollowOptions): AsyncIterable<CallEvent>;
  /** Where a call stands. @throws ToolgateError UNKNOWN_CALL. */
  getCall(callId: string, options: RequestOptions & AsRaw): Promise<CallStatus<RawJson>>;
  getCall(callId: string, options?: RequestOptions): Promise<CallStatus>;
  /**
   * The calls that have not ended, in no order, page by page as they are read. One that is there from the first page to the
   * last comes at least once; while many come and go, one may come twice.
   */
  listCalls(options?: ListCallsOptions): AsyncIterable<CallSummary>;
  /**
   * The calls that ended last, the latest first, page by page as they are read: about the last 5,000 of each shard of the registry that
   * ended with a result, and as many that ended otherwise or took a second and more. Of results on a busy node, only a part is listed
   * (`sampled`). Nothing where nodes do not list calls that have ended (`TOOLGATE_LIST_ENDED_CALLS=off`).
   */
  listEndedCalls(options?: ListEndedCallsOptions): AsyncIterable<EndedCallSummary>;
  /** Cancels a call, whether or not it has waiters. @throws ToolgateError UNKNOWN_CALL. */
  cancel(callId: string, options: RequestOptions & AsRaw): Promise<Cancellation<RawJson>>;
  cancel(callId: string, options?: RequestOptions): Promise<Cancellation>;
  /** Removes a toolset; `epoch` is its active one. @throws ToolgateError EPOCH_MISMATCH, UNKNOWN_TOOLSET, NOT_OWNER. */
  unregister(name: string, epoch: number, options?: RequestOptions): Promise<void>;
  /** Makes a candidate epoch the active one at once. @throws ToolgateError EPOCH_MISMATCH, UNKNOWN_TOOLSET. */
  promote(name: string, epoch: number, options?: RequestOptions): Promise<void>;
  /** Idempotent calls of a toolset that were given up, newest first; pages by itself. */
  deadCalls(toolset: string, options?: RequestOptions): AsyncIterable<DeadCall>;
  /** One of them, with its payload. @throws ToolgateError UNKNOWN_CALL. */
  getDeadCall(toolset: string, id: string, options: RequestOptions & AsRaw): Promise<DeadCall & { payload: RawJson }>;
  getDeadCall(toolset: string, id: string, options?: RequestOptions): Promise<DeadCall & { payload: unknown }>;
  /** Makes a dead call again, as a new call under the contract that is active now. @throws ToolgateError UNKNOWN_CALL. */
  redrive(toolset: string, id: string, options?: RequestOptions): Promise<CallHandle>;
  /** Forgets dead calls, all of the toolset when no ids are given; resolves to how many there were. */
  purgeDeadCalls(toolset: string, ids?: readonly string[], options?: RequestOptions): Promise<number>;
  /** Who the caller is; keys, logins and decisions. */
  readonly access: Access;
  /** Roles, users, limits and what else administrators configure. */
  readonly documents: Documents;
  /** What was decided and changed, by whom. */
  readonly audit: Audit;
  /** Opens a stream of its own for calls. */
  session(): AgentSession;
  /** The address of the node that requests go to first. */
  readonly node: string;
  /** Ends all sessions and connections; repeating it does nothing. */
  close(): Promise<void>;
}
