import type { Executed } from "../errors/codes.js";
import type { CallerKind } from "./access.js";
import type { RequestOptions } from "./request-options.js";

/** What was decided or changed, by whom. What does not apply to an event is empty. */
export interface AuditRecord {
  /** Its place in the audit. */
  readonly id: string;
  /** By Redis's clock. */
  readonly at: Date;
  /** `call`, `end`, `refusal`, `change` or `login`; later versions may have more. */
  readonly event: string;
  /** The tenant that it concerns. */
  readonly tenant: string;
  /** Who, as `tenant/id`. */
  readonly principal: string;
  readonly kind: CallerKind | "";
  /** The credential's id: a key's, a session's, a token's issuer and jti. */
  readonly credential: string;
  /** What it wanted to do. */
  readonly verb: string;
  /** On which toolset; of a document, its kind. */
  readonly toolset: string;
  /** Which tool; of a document, its name. */
  readonly tool: string;
  readonly callId: string;
  /** Equal for equal arguments; nothing about them can be learnt from it. */
  readonly argumentsDigest: string;
  readonly contractDigest: string;
  /** The revision of the documents that decided. */
  readonly policyRevision: number;
  /** The rule that decided, as `kind/name` and a JSON pointer. */
  readonly rule: string;
  /** `allowed`, `refused`, or how a call ended. */
  readonly outcome: string;
  /** The reason of a refusal or an end, from the error table. */
  readonly reason: string;
  /** Whether the tool ran; absent where no call was made. */
  readonly executed?: Executed;
  /** How long the call took, in milliseconds. */
  readonly tookMs: number;
  readonly nodeId: string;
  /** How many refusals like this one are left out after it, where there were too many. */
  readonly omitted: number;
}

/** Which records; what is absent fits all. */
export interface AuditFilter {
  /** The caller's own when absent. */
  readonly tenant?: string;
  /** Who, as an id. */
  readonly principal?: string;
  readonly event?: string;
  readonly toolset?: string;
  readonly tool?: string;
  readonly callId?: string;
  readonly outcome?: string;
}

export interface AuditQuery extends RequestOptions, AuditFilter {
  /** The oldest when absent. */
  readonly from?: Date;
  /** Now when absent. */
  readonly until?: Date;
}

export interface TailOptions extends RequestOptions, AuditFilter {}

export interface VerifyOptions extends RequestOptions {
  /** The oldest when absent. */
  readonly from?: Date;
}

/** Whether the audit is what was written. */
export interface AuditVerdict {
  /** How many records were checked. */
  readonly records: number;
  /** Where it is not, the first hundred; none where all is as it was written. */
  readonly faults: readonly { readonly id: string; readonly message: string }[];
  /** The latest record that is sealed; what came after it is sealed within seconds. */
  readonly sealedUntil: string;
}

/** What was decided and changed, by whom: an append-only record without payloads. Needs the verb `audit`. */
export interface Audit {
  /** Records, oldest first, page by page as they are read. */
  query(query?: AuditQuery): AsyncIterable<AuditRecord>;
  /** Records as they are written, none twice, until the loop is left or the signal aborts (which throws its reason). */
  tail(options?: TailOptions): AsyncIterable<AuditRecord>;
  /** Checks that no record was changed, removed or added. */
  verify(options?: VerifyOptions): Promise<AuditVerdict>;
}
