import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import { DocumentIndex } from "./document-index.js";
import type { Proof } from "./proof.js";
import { REVOCATION, type RevocationSpec } from "./revocation-document.js";

/** Which credentials were revoked, by the node's copy of the documents. A tenant's revocations concern its own principals alone. */
export class DenyList {
  readonly #revocations: DocumentIndex<RevocationSpec>;

  constructor(documents: DocumentsReader) {
    this.#revocations = new DocumentIndex(documents, REVOCATION, ({ ref, spec }) => [
      `${ref.tenant} ${spec.credential}`,
    ]);
  }

  /** Takes a change of the copy over. */
  changed(ref: DocumentRef): void {
    this.#revocations.changed(ref);
  }

  /** Whether a credential, or whatever stands for its principal, is revoked now. */
  revokes({ principal, credential }: Pick<Proof, "principal" | "credential">, nowMs: number): boolean {
    const { tenant, id } = principal;
    return this.#has(`${tenant} ${credential}`, nowMs) || this.#has(`${tenant} subject/${id}`, nowMs);
  }

  #has(word: string, nowMs: number): boolean {
    for (const { spec } of this.#revocations.withWord(word)) {
      const { untilMs = 0 } = spec;
      if (untilMs === 0 || untilMs > nowMs) return true;
    }
    return false;
  }
}
