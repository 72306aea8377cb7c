import type {
  Authorship,
  CredentialDocuments,
  DocumentWrite,
} from "../../../src/access/credentials/credential-documents.js";
import type { DocumentKind, DocumentRef, DocumentsReader, StoredDocument } from "../../../src/documents/document.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { TenantName } from "../../../src/identity/tenant.js";

/** Documents in memory, as the node's copy and as the store, for tests of what reads and changes credentials. */
export class MemoryDocuments implements DocumentsReader, CredentialDocuments {
  revision = 0;
  readonly #bodies = new Map<string, { readonly ref: DocumentRef; readonly revision: number; readonly body: Buffer }>();
  readonly #listeners = new Set<(changed: readonly DocumentRef[]) => void>();
  /** Runs before each write, as another writer that comes first does. */
  beforeWrite: (() => Promise<void>) | undefined;

  /** Writes a document as an administrator does. */
  put(kind: string, name: string, body: unknown, tenant = "default" as TenantName): void {
    const ref = { tenant, kind, name };
    this.revision += 1;
    if (body === undefined) this.#bodies.delete(placeOf(ref));
    else {
      const bytes = Buffer.from(JSON.stringify(body));
      this.#bodies.set(placeOf(ref), { ref, revision: this.revision, body: bytes });
    }
    for (const listener of this.#listeners) listener([ref]);
  }

  /** Everything that is stored, as text. */
  dump(): string {
    return [...this.#bodies.values()].map(({ ref, body }) => `${placeOf(ref)} ${body}`).join("\n");
  }

  get<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string): StoredDocument<Spec> | undefined {
    const found = this.#bodies.get(placeOf({ tenant, kind: kind.kind, name }));
    if (found === undefined) return undefined;
    const spec = kind.parse(JSON.parse(found.body.toString()), found.ref);
    return { ...found, writtenAtMs: 0, author: "default/tests", reason: "", spec };
  }

  *all<Spec>(kind: DocumentKind<Spec>): Iterable<StoredDocument<Spec>> {
    for (const { ref } of this.#bodies.values()) {
      if (ref.kind !== kind.kind) continue;
      const document = this.get(kind, ref.tenant, ref.name);
      if (document !== undefined) yield document;
    }
  }

  isUnreadable(): boolean {
    return false;
  }

  onChange(listener: (changed: readonly DocumentRef[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read<Spec>(
    kind: DocumentKind<Spec>,
    tenant: TenantName,
    name: string,
  ): Promise<StoredDocument<Spec> | undefined> {
    return this.get(kind, tenant, name);
  }

  async write(writes: readonly DocumentWrite[], _by: Authorship): Promise<void> {
    await this.beforeWrite?.();
    for (const { ref, expectRevision } of writes) {
      if ((this.#bodies.get(placeOf(ref))?.revision ?? 0) !== expectRevision) {
        throw new ToolgateError("DOCUMENT_CONFLICT", "it has another revision");
      }
    }
    for (const { ref, body } of writes) this.put(ref.kind, ref.name, body, ref.tenant);
  }
}

const placeOf = ({ tenant, kind, name }: DocumentRef): string => `${tenant}/${kind}/${name}`;
