import type { DocumentKind, DocumentRef, DocumentsReader, StoredDocument } from "../../documents/document.js";

/** The documents of a kind by words that are in them, kept in step with the node's copy. */
export class DocumentIndex<Spec> {
  readonly #documents: DocumentsReader;
  readonly #kind: DocumentKind<Spec>;
  readonly #wordsOf: (document: StoredDocument<Spec>) => readonly string[];
  readonly #byWord = new Map<string, Set<StoredDocument<Spec>>>();
  readonly #indexed = new Map<string, { readonly document: StoredDocument<Spec>; readonly words: readonly string[] }>();

  constructor(
    documents: DocumentsReader,
    kind: DocumentKind<Spec>,
    wordsOf: (document: StoredDocument<Spec>) => readonly string[],
  ) {
    this.#documents = documents;
    this.#kind = kind;
    this.#wordsOf = wordsOf;
    for (const document of documents.all(kind)) this.#add(document);
  }

  /** The documents with a word; none of which is older than the copy. */
  withWord(word: string): ReadonlySet<StoredDocument<Spec>> {
    return this.#byWord.get(word) ?? NONE;
  }

  /** Takes a change of the copy over. */
  changed({ tenant, kind, name }: DocumentRef): void {
    if (kind !== this.#kind.kind) return;
    this.#remove(placeOf({ tenant, name }));
    const document = this.#documents.get(this.#kind, tenant, name);
    if (document !== undefined) this.#add(document);
  }

  #add(document: StoredDocument<Spec>): void {
    const words = this.#wordsOf(document);
    this.#indexed.set(placeOf(document.ref), { document, words });
    for (const word of words) {
      const there = this.#byWord.get(word);
      if (there === undefined) this.#byWord.set(word, new Set([document]));
      else there.add(document);
    }
  }

  #remove(place: string): void {
    const former = this.#indexed.get(place);
    if (former === undefined) return;
    this.#indexed.delete(place);
    for (const word of former.words) {
      const there = this.#byWord.get(word);
      there?.delete(former.document);
      if (there?.size === 0) this.#byWord.delete(word);
    }
  }
}

const NONE: ReadonlySet<never> = new Set<never>();

/** Unambiguous, since a tenant's name has no slash. */
const placeOf = ({ tenant, name }: Pick<DocumentRef, "tenant" | "name">): string => `${tenant}/${name}`;
