import type { UnjudgedRole } from "../../access/policy/unjudged-conditions.js";
import { requireIn, unjudgedCause } from "../../access/require.js";
import { openPageToken, sealPageToken } from "../../catalog/page-token.js";
import {
  applyDocuments,
  type DocumentParts,
  unknownDocument,
  unknownRevision,
  type WantedChange,
} from "../../documents/apply-documents.js";
import type { DocumentRef } from "../../documents/document.js";
import type { DocumentKinds } from "../../documents/document-kinds.js";
import type { HeldDocument } from "../../documents/held-document.js";
import { readBody } from "../../documents/read-body.js";
import { invalidField } from "../../identity/names.js";
import { parseTenantName, type TenantName } from "../../identity/tenant.js";
import type { Document as WireDocument } from "../../protocol/generated/toolgate/v1/Document.js";
import type { DocumentChange__Output } from "../../protocol/generated/toolgate/v1/DocumentChange.js";
import type { DocumentRef__Output } from "../../protocol/generated/toolgate/v1/DocumentRef.js";
import type { DocumentsHandlers } from "../../protocol/generated/toolgate/v1/Documents.js";
import type { UnjudgedConditions as WireUnjudged } from "../../protocol/generated/toolgate/v1/UnjudgedConditions.js";
import { documentPath, isKindName, parseDocumentRef } from "../../store/documents/document-ref.js";
import { listRevisions, readDocument, readRevision } from "../../store/documents/read-documents.js";
import type { CallContext } from "./call-context.js";
import { type Methods, unary } from "./methods.js";
import { PAGE_BYTES } from "./page-bytes.js";

const PAGE = { usual: 100, most: 1_000 };
/** What a document takes on the wire besides its texts, at most. */
const FRAME_BYTES = 512;
/** The most revisions that one answer lists: as many as are kept, and the one that is. */
const MAX_REVISIONS = 101;

/** What a node could not judge of the roles among documents. */
interface UnjudgedRoles {
  of(ref: DocumentRef): UnjudgedRole | undefined;
}

/** The administrators' side of documents. A caller needs to administer the tenant of each document that it names. */
export function documentsMethods(parts: DocumentParts, unjudged: UnjudgedRoles): Methods<DocumentsHandlers> {
  const { store, kinds, copy } = parts;
  return {
    ListDocuments: unary(async (request, context) => {
      const tenant = tenantOf(request.tenant, "tenant", context);
      requireIn(context.access, "administer", tenant);
      if (request.kind !== "" && !isKindName(request.kind)) throw invalidField("kind", "must be the name of a kind");
      const size = request.pageSize === 0 ? PAGE.usual : Math.min(request.pageSize, PAGE.most);
      const question = ["documents", tenant, request.kind];
      const prefix = request.kind === "" ? `${tenant}/` : `${tenant}/${request.kind}/`;
      const [from] = request.pageToken === "" ? [prefix] : openPageToken(request.pageToken, question, ["string"]);
      const documents: WireDocument[] = [];
      let bytes = 0;
      let last = from;
      for (const { document, reading } of copy.after(tenant, from)) {
        const path = documentPath(document.ref);
        if (!path.startsWith(prefix)) break;
        // One more than the page is looked for, so that the last page says that it is the last.
        if (documents.length === size || bytes >= PAGE_BYTES) {
          return { documents, nextPageToken: sealPageToken(question, [last]), revision: copy.revision };
        }
        const written = {
          ...writeDocument(kinds, document.ref, { ...document, state: "live" }),
          unreadable: writeReading(reading),
          unjudged: writeUnjudged(unjudged.of(document.ref)),
        };
        documents.push(written);
        bytes += FRAME_BYTES + document.body.length + Buffer.byteLength(document.reason);
        last = path;
      }
      return { documents, nextPageToken: "", revision: copy.revision };
    }),

    GetDocument: unary(async (request, context) => {
      const ref = refOf(request.ref, "ref", context);
      requireIn(context.access, "administer", ref.tenant);
      const revision = revisionOf(request.revision, "revision");
      const found = revision === 0 ? await readDocument(store, ref) : await readRevision(store, ref, revision);
      if (found === undefined) throw revision === 0 ? unknownDocument(ref) : unknownRevision(ref, revision);
      const held = copy.held(ref);
      const isHeld = held !== undefined && held.document.revision === found.revision;
      const document = writeDocument(kinds, ref, found);
      if (!isHeld) return { document };
      const heldAs = { unreadable: writeReading(held.reading), unjudged: writeUnjudged(unjudged.of(ref)) };
      return { document: { ...document, ...heldAs } };
    }),

    ListRevisions: unary(async (request, context) => {
      const ref = refOf(request.ref, "ref", context);
      requireIn(context.access, "administer", ref.tenant);
      const revisions = await listRevisions(store, ref);
      if (revisions.length === 0) throw unknownDocument(ref);
      const shown = revisions.slice(0, MAX_REVISIONS);
      return { revisions: shown.map((head) => writeDocument(kinds, ref, { ...head, body: Buffer.alloc(0) })) };
    }),

    ApplyDocuments: unary(async (request, context) => {
      const changes = request.changes.map((change, index) => readChange(change, `changes[${index}]`, context));
      for (const { ref } of changes) requireIn(context.access, "administer", ref.tenant);
      const { reason, dryRun, force } = request;
      const { principal: author, credential } = context.identity;
      const applied = await applyDocuments(parts, { author, credential, changes, reason, dryRun, force });
      return {
        outcomes: applied.outcomes.map((outcome) => ({ ...outcome, differences: [...outcome.differences] })),
        findings: [...applied.findings],
        revision: applied.revision,
      };
    }),
  };
}

function tenantOf(text: string, field: string, { principal }: CallContext): TenantName {
  return text === "" ? principal.tenant : parseTenantName(text, field);
}

function refOf(wire: DocumentRef__Output | null, field: string, context: CallContext): DocumentRef {
  if (wire === null) throw invalidField(field, "is missing");
  return parseDocumentRef({ ...wire, tenant: wire.tenant === "" ? context.principal.tenant : wire.tenant }, field);
}

function readChange(wire: DocumentChange__Output, field: string, context: CallContext): WantedChange {
  const ref = refOf(wire.ref, `${field}.ref`, context);
  const restored = revisionOf(wire.restoreRevision, `${field}.restore_revision`);
  if (restored > 0 && wire.bodyJson.length > 0) {
    throw invalidField(`${field}.restore_revision`, "cannot be set beside body_json");
  }
  return {
    ref,
    wanted:
      restored > 0
        ? { kind: "restored", revision: restored }
        : wire.bodyJson.length === 0
          ? { kind: "removed" }
          : { kind: "content", body: wire.bodyJson },
    expectRevision:
      wire._expectRevision === undefined ? undefined : revisionOf(wire.expectRevision ?? 0, `${field}.expect_revision`),
  };
}

function revisionOf(revision: number, field: string): number {
  if (!Number.isSafeInteger(revision) || revision < 0) throw invalidField(field, "must not be negative");
  return revision;
}

/** A document as it was stored. */
interface ShownDocument {
  readonly revision: number;
  readonly writtenAtMs: number;
  readonly author: string;
  readonly reason: string;
  readonly state: string;
  readonly body: Buffer;
}

function writeDocument(kinds: DocumentKinds, ref: DocumentRef, shown: ShownDocument): WireDocument {
  const { revision, writtenAtMs, author, reason, state, body } = shown;
  return {
    ref,
    revision,
    writtenAtMs,
    author,
    reason,
    bodyJson: writeBody(kinds, ref, body),
    removed: state === "removed",
  };
}

/** Why the node does not go by a document; empty where it does. */
function writeReading(reading: HeldDocument["reading"]): string {
  switch (reading.kind) {
    case "served":
      return "";
    case "unknown_kind":
      return "its kind is one that this version does not know";
    case "unreadable":
      return reading.reason;
    default:
      return reading satisfies never;
  }
}

function writeUnjudged(role: UnjudgedRole | undefined): WireUnjudged | null {
  if (role === undefined) return null;
  const { times, path, why, atMs } = role;
  return { times, path, reason: unjudgedCause(why), atMs };
}

/** The content without its secrets: to the byte where its kind has none. What cannot be read, or whose kind is not known, is not shown. */
function writeBody(kinds: DocumentKinds, { kind }: DocumentRef, body: Buffer): Buffer {
  const read = body.length === 0 ? undefined : readBody(body);
  if (read?.kind !== "ok") return Buffer.alloc(0);
  const shown = kinds.redact(kind, read.value);
  if (shown === read.value) return body;
  return shown === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(shown));
}
