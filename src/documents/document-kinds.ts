import type { DocumentKind } from "./document.js";

/** How many former revisions of a document are kept unless its kind says otherwise. */
const HISTORY = 100;

/**
 * The kinds that a node knows. Documents of other kinds, which a later version has written, are kept, listed and removed as any others,
 * but not served nor written.
 */
export class DocumentKinds {
  readonly #kinds: ReadonlyMap<string, DocumentKind<unknown>>;

  /** @throws RangeError where two kinds have the same name */
  constructor(kinds: readonly DocumentKind<unknown>[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
    if (this.#kinds.size !== kinds.length) throw new RangeError("two kinds of documents have the same name");
  }

  get(kind: string): DocumentKind<unknown> | undefined {
    return this.#kinds.get(kind);
  }

  /** All of their names. */
  get names(): readonly string[] {
    return [...this.#kinds.keys()];
  }

  /** How many former revisions of a kind's documents are kept. */
  historyOf(kind: string): number {
    return this.#kinds.get(kind)?.history ?? HISTORY;
  }

  /**
   * A content as it may be shown.
   *
   * @param body parsed JSON.
   * @returns undefined where nothing may be shown: of a kind that is not known, nothing says what in it is secret
   */
  redact(kind: string, body: unknown): unknown {
    const known = this.#kinds.get(kind);
    if (known === undefined) return undefined;
    return known.redact === undefined ? body : known.redact(body);
  }
}
