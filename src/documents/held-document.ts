import { ToolgateError } from "../errors/toolgate-error.js";
import { readDocumentEntry } from "../store/documents/document-entry.js";
import { type DocumentPath, readDocumentPath } from "../store/documents/document-ref.js";
import type { DocumentRef, StoredDocument } from "./document.js";
import type { DocumentKinds } from "./document-kinds.js";
import { readBody } from "./read-body.js";

/** A document as a node holds it, however much of it the node understands. */
export interface HeldDocument {
  /** Its `spec` is undefined unless it is served. */
  readonly document: StoredDocument;
  readonly reading:
    | { readonly kind: "served" }
    /** A later version's kind: kept and listed. */
    | { readonly kind: "unknown_kind" }
    /** Its content breaks rules of its kind: it was written by another version, or by hand. */
    | { readonly kind: "unreadable"; readonly reason: string };
}

/** What became of an entry; one that cannot even be listed has a reason. */
export type ReadHeld =
  | { readonly kind: "held"; readonly held: HeldDocument }
  | { readonly kind: "damaged"; readonly reason: string };

/** Reads an entry, and trusts nothing in it: another version, or a person, may have written it. */
export function readHeld(path: DocumentPath, text: string, kinds: DocumentKinds): ReadHeld {
  const ref = readDocumentPath(path);
  if (ref === undefined) return { kind: "damaged", reason: "its name is not a document's" };
  const entry = readDocumentEntry(text);
  if (entry === undefined) return { kind: "damaged", reason: "its first line is not a document's" };
  const { revision, writtenAtMs, author, reason, body } = entry;
  const document = { ref, revision, writtenAtMs, author, reason, body, spec: undefined };
  if (entry.state !== "live") {
    return heldAs(document, { kind: "unreadable", reason: "it is in a state that this version does not know" });
  }
  if (kinds.get(ref.kind) === undefined) return heldAs(document, { kind: "unknown_kind" });
  const read = readSpec(ref, body, kinds);
  if (read.kind === "unreadable") return heldAs(document, read);
  return heldAs({ ...document, spec: read.spec }, { kind: "served" });
}

function heldAs(document: StoredDocument, reading: HeldDocument["reading"]): ReadHeld {
  return { kind: "held", held: { document, reading } };
}

type ReadSpec =
  | { readonly kind: "read"; readonly spec: unknown }
  | { readonly kind: "unreadable"; readonly reason: string };

function readSpec(ref: DocumentRef, body: Buffer, kinds: DocumentKinds): ReadSpec {
  const read = readBody(body);
  if (read.kind === "malformed") return { kind: "unreadable", reason: `${read.pointer} ${read.reason}`.trimStart() };
  try {
    return { kind: "read", spec: kinds.get(ref.kind)?.parse(read.value, ref) };
  } catch (error) {
    // What a kind says of a document names places and rules only; what anything else says may hold its content.
    const reason = error instanceof ToolgateError ? error.message : "its kind cannot read it";
    return { kind: "unreadable", reason };
  }
}
