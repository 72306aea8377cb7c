import type { Violation } from "../errors/toolgate-error.js";
import type { TenantName } from "../identity/tenant.js";
import type { DocumentRef } from "../store/documents/document-ref.js";

export type { DocumentRef } from "../store/documents/document-ref.js";

/** A document as it is now, or as it was. It never changes; a write makes a new one. */
export interface StoredDocument<Spec = unknown> {
  readonly ref: DocumentRef;
  /** Counts the registry's changes to documents; a later change has a higher one. */
  readonly revision: number;
  /** In Unix milliseconds by Redis's clock. */
  readonly writtenAtMs: number;
  /** The principal that wrote it, as `tenant/id`. */
  readonly author: string;
  readonly reason: string;
  /** Its content as it was applied: JSON, to the byte. */
  readonly body: Buffer;
  /** What its kind makes of the content. */
  readonly spec: Spec;
}

/**
 * A kind of documents: what its contents are. Each capability brings its own; `schemaKind` makes one of a schema, which is all that most
 * need:
 *
 *     const Bundle = {
 *       type: "object",
 *       required: ["toolsets"],
 *       properties: { toolsets: { type: "array", items: { type: "string", minLength: 1 }, maxItems: 100 } },
 *     } as const;
 *     export const BUNDLE_KIND = schemaKind({ kind: "bundle", schema: Bundle });
 *
 * It is then named in `src/node.ts`, in the list that `DocumentKinds` is made of, and read by `documents.get(BUNDLE_KIND, tenant, name)`,
 * which knows the type of its content. Storing, revisions, differences, following on every node and the service are those of all kinds.
 */
export interface DocumentKind<Spec> {
  /** Its name: a lower-case word. */
  readonly kind: string;
  /**
   * Reads a content. What a later version may add is kept in the body, and is no fault.
   *
   * @param body parsed JSON, from a stranger.
   * @throws ToolgateError INVALID_DOCUMENT with every fault at once, each by its JSON pointer
   */
  parse(body: unknown, ref: DocumentRef): Spec;
  /**
   * Members that this version does not know, and that are refused when a document is applied: a slip of the pen must not pass for a
   * condition that is none. What is stored already, by a later version, is read all the same. None where this is absent.
   */
  unknownMembers?(body: unknown): readonly Violation[];
  /** The content without what nobody may read, such as hashes of secrets; the content itself where this is absent. */
  redact?(body: unknown): unknown;
  /**
   * A content with what `redact` leaves out put back where it is absent, so that what was shown can be edited and applied again.
   *
   * @param body parsed JSON, from a stranger.
   * @param former the content that the document has.
   * @returns `body` itself where there is nothing to put back
   */
  restore?(body: unknown, former: unknown): unknown;
  /**
   * The content of a former revision as it may come back: without credentials that have ended since, whose end is final.
   *
   * @param body parsed JSON that was stored.
   * @param now the content that the document has; undefined where it was removed.
   * @returns `body` itself where nothing is left out
   * @throws ToolgateError INVALID_DOCUMENT where nothing of it may come back
   */
  revert?(body: unknown, now: unknown, ref: DocumentRef): unknown;
  /** How many former revisions are kept; 100 where this is absent. */
  readonly history?: number;
}

/** The documents as a node knows them: no older than a second while Redis can be reached. */
export interface DocumentsReader {
  /** The highest revision that is contained. After Redis lost everything it is lower than it was. */
  readonly revision: number;
  get<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string): StoredDocument<Spec> | undefined;
  /** All of a kind, in no order; those that cannot be read are left out, and logged once. */
  all<Spec>(kind: DocumentKind<Spec>): Iterable<StoredDocument<Spec>>;
  /**
   * Whether there is a document that cannot be read: it was damaged, or a later version has written it. What it forbids is not known, so
   * whoever goes by what documents forbid refuses what it is about.
   */
  isUnreadable(kind: DocumentKind<unknown>, tenant: TenantName, name: string): boolean;
  /** Calls back after each change that was read, with what it changed; the result ends that. */
  onChange(listener: (changed: readonly DocumentRef[]) => void): () => void;
}
