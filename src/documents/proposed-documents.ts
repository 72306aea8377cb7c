import type { Steps } from "../async/steps.js";
import type { Principal } from "../identity/principal.js";
import type { TenantName } from "../identity/tenant.js";
import { type DocumentPath, documentPath } from "../store/documents/document-ref.js";
import type { DocumentKind, DocumentRef, DocumentsReader, StoredDocument } from "./document.js";

/** One change, before it is made. */
export interface ProposedChange {
  readonly ref: DocumentRef;
  /** What it would be; undefined where it would be removed. */
  readonly after: StoredDocument | undefined;
}

/** What is about to be applied, and what the documents would be then. */
export interface DocumentProposal {
  readonly author: Principal;
  /** The author wants it though it may lock administrators out. */
  readonly force: boolean;
  readonly changes: readonly ProposedChange[];
  readonly before: DocumentsReader;
  /** The documents with all of the changes made. */
  readonly after: DocumentsReader;
}

/** Something that is allowed, and probably not meant. */
export interface DocumentFinding {
  readonly ref: DocumentRef;
  /** Where in the document: a JSON pointer. */
  readonly path: string;
  /** What is wrong, and what to do; never what stands there. */
  readonly message: string;
}

/**
 * How a capability judges a change as a whole, by what the documents would be: that an administrator is left, say. A registry may have
 * tens of thousands of documents, so both are done in small steps, with everything else that is ready in between.
 */
export interface DocumentCheck {
  /** It is asked about changes that have a document of these kinds. */
  readonly kinds: readonly string[];
  /**
   * Refuses what may not be. Asked before anything is written, also in a dry run, and again where anything of what it was shown has
   * changed before its answer held: so it may look at documents that change while it does.
   *
   * @throws ToolgateError INVALID_DOCUMENT, or FORBIDDEN where the author may not make such a change
   */
  check(proposal: DocumentProposal): Steps<void>;
  /**
   * What looks wrong in the documents as they would be. Advice only, asked once a change is made, or could be. None where this is absent.
   *
   * @returns those that the author may know of
   */
  findings?(proposal: DocumentProposal): Steps<readonly DocumentFinding[]>;
}

/** The documents with changes made that are not. */
export class ProposedDocuments implements DocumentsReader {
  readonly #base: DocumentsReader;
  readonly #changes: ReadonlyMap<DocumentPath, ProposedChange>;

  constructor(base: DocumentsReader, changes: readonly ProposedChange[]) {
    this.#base = base;
    this.#changes = new Map(changes.map((change) => [documentPath(change.ref), change]));
  }

  get revision(): number {
    return this.#base.revision;
  }

  get<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string): StoredDocument<Spec> | undefined {
    const change = this.#changes.get(documentPath({ tenant, kind: kind.kind, name }));
    if (change === undefined) return this.#base.get(kind, tenant, name);
    return change.after as StoredDocument<Spec> | undefined; // parsed by the kind of this name
  }

  *all<Spec>(kind: DocumentKind<Spec>): Iterable<StoredDocument<Spec>> {
    for (const document of this.#base.all(kind)) {
      if (!this.#changes.has(documentPath(document.ref))) yield document;
    }
    for (const { ref, after } of this.#changes.values()) {
      if (ref.kind === kind.kind && after !== undefined) yield after as StoredDocument<Spec>; // as above
    }
  }

  isUnreadable(kind: DocumentKind<unknown>, tenant: TenantName, name: string): boolean {
    const isChanged = this.#changes.has(documentPath({ tenant, kind: kind.kind, name }));
    return !isChanged && this.#base.isUnreadable(kind, tenant, name);
  }

  /** What is proposed does not change. */
  onChange(): () => void {
    return () => {};
  }
}
