import type { DocumentKind, DocumentRef, DocumentsReader, StoredDocument } from "../../../src/documents/document.js";
import { DEFAULT_TENANT, type TenantName } from "../../../src/identity/tenant.js";

/** Documents without Redis: parsed by their kinds, as a node's copy has them. */
export class DocumentsInMemory implements DocumentsReader {
  readonly #documents = new Map<string, StoredDocument>();
  readonly #unreadable = new Set<string>();
  readonly #listeners = new Set<(changed: readonly DocumentRef[]) => void>();
  revision = 0;

  /** @param body as in JSON */
  put<Spec>(kind: DocumentKind<Spec>, name: string, body: unknown, tenant: TenantName = DEFAULT_TENANT): void {
    const ref = { tenant, kind: kind.kind, name };
    const bytes = Buffer.from(JSON.stringify(body));
    const spec = kind.parse(JSON.parse(bytes.toString()), ref);
    this.revision++;
    const written = { revision: this.revision, writtenAtMs: 0, author: "default/test", reason: "" };
    this.#documents.set(keyOf(ref), { ref, ...written, body: bytes, spec });
    this.#notify(ref);
  }

  remove(kind: DocumentKind<unknown>, name: string, tenant: TenantName = DEFAULT_TENANT): void {
    const ref = { tenant, kind: kind.kind, name };
    this.revision++;
    this.#documents.delete(keyOf(ref));
    this.#notify(ref);
  }

  get<Spec>({ kind }: DocumentKind<Spec>, tenant: TenantName, name: string): StoredDocument<Spec> | undefined {
    return this.#documents.get(keyOf({ tenant, kind, name })) as StoredDocument<Spec> | undefined; // put with this kind
  }

  *all<Spec>({ kind }: DocumentKind<Spec>): Iterable<StoredDocument<Spec>> {
    for (const document of this.#documents.values())
      if (document.ref.kind === kind) yield document as StoredDocument<Spec>; // put with this kind
  }

  /** Takes a document for one that cannot be read. */
  damage({ kind }: DocumentKind<unknown>, name: string, tenant: TenantName = DEFAULT_TENANT): void {
    const ref = { tenant, kind, name };
    this.#documents.delete(keyOf(ref));
    this.#unreadable.add(keyOf(ref));
    this.#notify(ref);
  }

  isUnreadable({ kind }: DocumentKind<unknown>, tenant: TenantName, name: string): boolean {
    return this.#unreadable.has(keyOf({ tenant, kind, name }));
  }

  onChange(listener: (changed: readonly DocumentRef[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(ref: DocumentRef): void {
    for (const listener of this.#listeners) listener([ref]);
  }
}

function keyOf({ tenant, kind, name }: DocumentRef): string {
  return JSON.stringify([tenant, kind, name]);
}
