import type { RequestOptions } from "./request-options.js";

/** Names a document. */
export interface DocumentRef {
  /** The tenant that it belongs to; the caller's own when absent. */
  readonly tenant?: string;
  /** Its kind: `role`, `key`, `user`, `share`, `limit`, `webhook`, `issuer`, `certificate`, `tenant` or `revocation`. */
  readonly kind: string;
  /** Its name within its tenant and kind. */
  readonly name: string;
}

/** A document at one revision. */
export interface ConfiguredDocument {
  readonly tenant: string;
  readonly kind: string;
  readonly name: string;
  /** Counts the registry's changes to documents; a later change has a higher one. */
  readonly revision: number;
  /** By Redis's clock. */
  readonly writtenAt: Date;
  /** The principal that wrote it, as `tenant/id`. */
  readonly author: string;
  /** Why, in the author's words. */
  readonly reason: string;
  /** Its content, without hashes of secrets; undefined where this revision removed it. */
  readonly body: unknown;
  readonly removed: boolean;
  /**
   * Why the node that was asked cannot read the document as it is, and so goes by none of it: a later version wrote it, or it was damaged.
   * Absent where it can.
   */
  readonly unreadable?: string;
  /** What the node that was asked could not judge of a role's conditions. Absent where there is nothing, and of former revisions. */
  readonly unjudged?: UnjudgedConditions;
}

/**
 * Conditions of a role that a node could not judge by calls' arguments: they allowed nothing, and denied. Each node counts its own, since
 * the role was changed last or the node started.
 */
export interface UnjudgedConditions {
  readonly times: number;
  /** The latest one's rule: a JSON pointer into the role's content, as `/rules/0`. */
  readonly path: string;
  /** Why the latest one could not be judged. */
  readonly reason: string;
  /** When that was, by Redis's clock. */
  readonly at: Date;
}

export interface ListDocumentsOptions extends RequestOptions {
  /** The caller's own when absent. */
  readonly tenant?: string;
  /** All when absent. */
  readonly kind?: string;
}

export interface GetDocumentOptions extends RequestOptions {
  /** As it was at this revision; as it is when absent. */
  readonly revision?: number;
}

/** One change of a document. */
export type DocumentChange = DocumentRef & {
  /** The revision that the change was made from, 0 for none: with another one, nothing is changed. Whatever there is when absent. */
  readonly expectRevision?: number;
} & (
    | { /** Its new content. */ readonly body: unknown }
    | { readonly remove: true }
    | { /** The revision whose content it gets again. */ readonly restore: number }
  );

export interface ApplyOptions extends RequestOptions {
  /** Why, for the history; at most 512 characters. */
  readonly reason?: string;
  /** Says what would change, and changes nothing. */
  readonly dryRun?: boolean;
  /** Applies also what would leave no administrator. */
  readonly force?: boolean;
}

/** What became of one change. */
export interface DocumentOutcome {
  readonly tenant: string;
  readonly kind: string;
  readonly name: string;
  readonly outcome: "created" | "changed" | "removed" | "unchanged";
  /** The revision that it has now; of a dry run, the one that it has. */
  readonly revision: number;
  /** How it differs from what it was, a line for each place. */
  readonly differences: readonly string[];
}

/** Something that is allowed, and probably not meant: a rule that matches nothing, or that another one hides. */
export interface DocumentFinding {
  readonly tenant: string;
  readonly kind: string;
  readonly name: string;
  /** Where in it, as a JSON pointer. */
  readonly path: string;
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** What became of changes. */
export interface Applied {
  /** In the order of the changes. */
  readonly outcomes: readonly DocumentOutcome[];
  /** What looks wrong in the documents as they are now. */
  readonly findings: readonly DocumentFinding[];
  /** The registry's revision. */
  readonly revision: number;
}

/** What administrators configure: documents with revisions, which every node follows within a second. Needs the verb `administer`. */
export interface Documents {
  /** The documents of a tenant by name, page by page as they are read. */
  list(options?: ListDocumentsOptions): AsyncIterable<ConfiguredDocument>;
  /** One document. @throws ToolgateError UNKNOWN_DOCUMENT */
  get(ref: DocumentRef, options?: GetDocumentOptions): Promise<ConfiguredDocument>;
  /** Its revisions, the latest hundred at most, newest first. @throws ToolgateError UNKNOWN_DOCUMENT */
  revisions(ref: DocumentRef, options?: RequestOptions): Promise<ConfiguredDocument[]>;
  /**
   * Changes documents, at most a hundred, all or none.
   *
   * @throws ToolgateError INVALID_DOCUMENT with each fault by its JSON pointer, DOCUMENT_CONFLICT, UNKNOWN_DOCUMENT, FORBIDDEN
   */
  apply(changes: readonly DocumentChange[], options?: ApplyOptions): Promise<Applied>;
}
