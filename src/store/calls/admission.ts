import type { Delivery } from "../../contract/contract.js";
import type { CallId } from "../../identity/call-id.js";
import type { CallerName } from "../../identity/caller-name.js";
import type { Digest, Epoch, ToolName, ToolsetName } from "../../identity/names.js";
import type { CallLimit } from "../call-limits/call-limit.js";

/** An epoch that a call may go to. */
export interface Destination {
  readonly epoch: Epoch;
  readonly digest: Digest;
  /** The most unfinished calls that it may have. */
  readonly maxBacklog: number;
}

/** A call that passed everything that a node can check by itself. */
export interface Admission {
  readonly id: CallId;
  /** The tenant and the principal that call, as they stand in records. */
  readonly caller: CallerName;
  /** Of toolset, tool and payload: a repeat must ask for the same. `-`: the id is random, so there is no repeat. */
  readonly requestDigest: string;
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  readonly delivery: Delivery;
  readonly destination: Destination;
  /** Where it may go while the destination has no room: a retiring epoch whose contract takes the payload too. */
  readonly overflow: Destination | undefined;
  /** The caller named the digest: a retiring epoch will do. */
  readonly pinned: boolean;
  /** Admit also while no provider is healthy. */
  readonly wait: boolean;
  readonly timeoutMs: number;
  readonly payload: Buffer;
  /** JSON of what the agent said about the call; empty when it said nothing. */
  readonly meta: string;
  /** This node wants to hear of the call's output and end. */
  readonly watch: boolean;
  /** What the audit is to say of it; absent where calls are not audited. */
  readonly audit?: CallAudit | undefined;
  /** The webhooks that are to be told how it ends, as `tenant/name` with commas between them; absent where there are none. */
  readonly webhooks?: string | undefined;
  /** Those of its limits that count in its own shard; absent where there are none. Calls of one caller may share the list. */
  readonly limits?: readonly CallLimit[] | undefined;
}

/** What the audit says of an admitted call, beside what is in its record. */
export interface CallAudit {
  /** Who calls and by which rule: kind of the principal, credential, revision of the documents, rule; as words. Made by `auditWho`. */
  readonly who: string;
  /** Of its payload's bytes, keyed; one word. */
  readonly argumentsDigest: string;
}
