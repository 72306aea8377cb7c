import { timingSafeEqual } from "node:crypto";
import type { DocumentRef, DocumentsReader, StoredDocument } from "../../documents/document.js";
import { DocumentIndex } from "./document-index.js";
import { KEY, type KeySpec } from "./key-document.js";
import { type Proof, refused, type Verdict } from "./proof.js";
import type { SecretHash, SecretToken } from "./secret-token.js";
import { SESSION, type SessionSpec } from "./session-document.js";
import { USER } from "./user-document.js";

/** Verifies API keys and session tokens by the node's copy of the documents. */
export class SecretVerifier {
  readonly #documents: DocumentsReader;
  readonly #keys: DocumentIndex<KeySpec>;
  readonly #sessions: DocumentIndex<SessionSpec>;

  constructor(documents: DocumentsReader) {
    this.#documents = documents;
    // By the id and the hash together: ids are chosen by whoever writes documents, and an id that another tenant has written too
    // must neither hide a key nor make looking for it slow.
    this.#keys = new DocumentIndex(documents, KEY, ({ spec }) => spec.keys.map(wordOf));
    this.#sessions = new DocumentIndex(documents, SESSION, ({ ref, spec }) => [
      wordOf({ id: ref.name, hash: spec.hash }),
    ]);
  }

  /** Takes a change of the copy over. */
  changed(ref: DocumentRef): void {
    this.#keys.changed(ref);
    this.#sessions.changed(ref);
  }

  /** Whose a token is, as of now. That it has not expired, its tenant and the deny list are for the caller to look at. */
  verify(token: SecretToken): Verdict {
    return token.kind === "key" ? this.#verifyKey(token) : this.#verifySession(token);
  }

  #verifyKey(token: SecretToken): Verdict {
    const credential = `key/${token.id}`;
    const found = onlyOne(this.#keys.withWord(wordOf(token)));
    if (found === "none" || found === "many") return refused(found === "none" ? "unknown" : "ambiguous", credential);
    const { ref, spec } = found;
    const key = spec.keys.find(({ id, hash }) => id === token.id && sameHash(hash, token.hash));
    if (key === undefined) return refused("unknown", credential);
    if (spec.disabled) return refused("disabled", credential);
    const { roles, attributes } = spec;
    const principal = { tenant: ref.tenant, id: ref.name, kind: "key", roles, attributes } as const;
    return proven({ principal, credential, expiresAtMs: endOf(key.expiresAtMs) });
  }

  #verifySession(token: SecretToken): Verdict {
    const credential = `session/${token.id}`;
    const found = onlyOne(this.#sessions.withWord(wordOf(token)));
    if (found === "none" || found === "many") return refused(found === "none" ? "unknown" : "ambiguous", credential);
    const { ref, spec } = found;
    if (!sameHash(spec.hash, token.hash)) return refused("unknown", credential);
    const user = this.#documents.get(USER, ref.tenant, spec.user);
    if (user === undefined || user.spec.disabled) return refused("disabled", credential);
    const { roles, attributes } = user.spec;
    const principal = { tenant: ref.tenant, id: spec.user, kind: "user", roles, attributes } as const;
    return proven({ principal, credential, expiresAtMs: spec.expiresAtMs });
  }
}

const proven = (proof: Proof): Verdict => ({ kind: "proof", proof });

const wordOf = ({ id, hash }: { readonly id: string; readonly hash: SecretHash }): string => `${id} ${hash}`;

/** 0 stands for never. */
const endOf = (expiresAtMs: number): number => (expiresAtMs === 0 ? Number.POSITIVE_INFINITY : expiresAtMs);

function onlyOne<Spec>(found: ReadonlySet<StoredDocument<Spec>>): StoredDocument<Spec> | "none" | "many" {
  const [first, ...others] = found;
  if (first === undefined) return "none";
  return others.length > 0 ? "many" : first;
}

/** Compares hashes in a time that does not depend on them. */
function sameHash(a: SecretHash, b: SecretHash): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
