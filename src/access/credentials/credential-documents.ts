import type { DocumentKind, DocumentRef, StoredDocument } from "../../documents/document.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Principal } from "../../identity/principal.js";
import type { TenantName } from "../../identity/tenant.js";

/** One write of a document. */
export interface DocumentWrite {
  readonly ref: DocumentRef;
  /** The new content, as JSON; undefined to remove the document. */
  readonly body: unknown;
  /** The revision that it was made from; 0 for none. With another one, nothing is written. */
  readonly expectRevision: number;
}

/** Who writes, and why: for the history. */
export interface Authorship {
  readonly author: Principal;
  /** The author's credential, for the audit; absent where it has none, such as the node itself. */
  readonly credential?: string;
  /** At most 512 characters. */
  readonly reason: string;
}

/** The documents as Redis has them, for the use cases that change credentials. */
export interface CredentialDocuments {
  /** A document as it is in Redis now. @throws ToolgateError STORE_UNAVAILABLE */
  read<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string): Promise<StoredDocument<Spec> | undefined>;
  /** Writes all or none. @throws ToolgateError DOCUMENT_CONFLICT, INVALID_DOCUMENT, STORE_UNAVAILABLE */
  write(writes: readonly DocumentWrite[], by: Authorship): Promise<void>;
}

/** How often a change is made anew because another one came first. */
const MAX_TRIES = 5;

/**
 * Changes a document by what it is: reads it, has it changed, and writes it, anew where another change came between.
 *
 * @param change what becomes of the document, and what to answer; undefined where nothing is to be written
 * @throws ToolgateError what `change` throws; DOCUMENT_CONFLICT where others are always first; INVALID_DOCUMENT; STORE_UNAVAILABLE
 */
export async function changeDocument<Spec, Answer>(
  documents: CredentialDocuments,
  kind: DocumentKind<Spec>,
  place: { readonly tenant: TenantName; readonly name: string },
  by: Authorship,
  change: (former: StoredDocument<Spec> | undefined) => { readonly body: unknown; readonly answer: Answer },
): Promise<Answer> {
  const { tenant, name } = place;
  for (let tries = 1; ; tries++) {
    const former = await documents.read(kind, tenant, name);
    const { body, answer } = change(former);
    if (body === undefined && former === undefined) return answer;
    try {
      const ref = { tenant, kind: kind.kind, name };
      await documents.write([{ ref, body, expectRevision: former?.revision ?? 0 }], by);
      return answer;
    } catch (error) {
      const conflict = error instanceof ToolgateError && error.reason === "DOCUMENT_CONFLICT";
      if (!conflict || tries === MAX_TRIES) throw error;
    }
  }
}
