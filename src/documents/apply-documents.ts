import { runInSlices } from "../async/steps.js";
import { ToolgateError, type Violation } from "../errors/toolgate-error.js";
import { invalidField } from "../identity/names.js";
import { nearestWord } from "../identity/nearest-word.js";
import { ownerName, type Principal } from "../identity/principal.js";
import {
  type ApplyAnswer,
  applyStoredChanges,
  type DocumentStore,
  MAX_DOCUMENTS,
  MAX_TENANT_BYTES,
  type StoredChange,
  type StoredOutcome,
} from "../store/documents/apply-documents.js";
import { documentPath } from "../store/documents/document-ref.js";
import { readDocument, readRevision } from "../store/documents/read-documents.js";
import { differenceLines, differences } from "./differences.js";
import type { DocumentRef, StoredDocument } from "./document.js";
import type { DocumentKinds } from "./document-kinds.js";
import type { DocumentsCopy } from "./documents-copy.js";
import { invalidDocument } from "./invalid-document.js";
import {
  type DocumentCheck,
  type DocumentFinding,
  type DocumentProposal,
  type ProposedChange,
  ProposedDocuments,
} from "./proposed-documents.js";
import { readBody } from "./read-body.js";

/** The most documents that are changed at once, and the longest reason, in characters. */
export const MAX_CHANGES = 100;
export const MAX_REASON_CHARACTERS = 512;
/** How often a change is judged anew because others changed documents meanwhile. */
const MAX_ATTEMPTS = 100;
/** The most findings that an answer has: a large registry may have thousands of the same. */
const MAX_FINDINGS = 1_000;
/** The most places that a conflict names. */
const MAX_CONFLICT_PLACES = 8;
const CONTROL = /\p{Cc}/u;

/** What a document is to become. */
export type WantedDocument =
  | { readonly kind: "content"; readonly body: Buffer }
  | { readonly kind: "removed" }
  /** What it was at a revision, to the byte; without credentials that have ended since. */
  | { readonly kind: "restored"; readonly revision: number };

/** One change, as it is asked for. */
export interface WantedChange {
  readonly ref: DocumentRef;
  readonly wanted: WantedDocument;
  /** The revision that the change was made from, 0 for none; undefined for whatever there is. */
  readonly expectRevision: number | undefined;
}

/** Changes that are made together or not at all. */
export interface ApplyDocuments {
  /** The author's credential, for the audit; absent where it has none. */
  readonly credential?: string;
  readonly author: Principal;
  readonly changes: readonly WantedChange[];
  readonly reason: string;
  /** Only says what would change. */
  readonly dryRun: boolean;
  /** Applies also what would leave no administrator. */
  readonly force: boolean;
}

/** What became of one change. */
export interface AppliedDocument {
  readonly ref: DocumentRef;
  readonly outcome: StoredOutcome["outcome"];
  /** The document's revision now, or of a dry run the one that it has; 0 for none. */
  readonly revision: number;
  /** How it differs from what it was: lines such as `changed /rules/0/effect`. */
  readonly differences: readonly string[];
}

export interface AppliedDocuments {
  readonly outcomes: readonly AppliedDocument[];
  /** What looks wrong in the documents as they are now. */
  readonly findings: readonly DocumentFinding[];
  /** The registry's revision. */
  readonly revision: number;
}

/** What applying documents needs. */
export interface DocumentParts {
  readonly store: DocumentStore;
  readonly kinds: DocumentKinds;
  readonly copy: DocumentsCopy;
  readonly checks: readonly DocumentCheck[];
  /** The author as the audit is to have it; undefined where changes are not recorded. Absent where nothing records. */
  readonly auditAuthor?: (author: Principal, credential: string) => string | undefined;
}

/** A change whose content is known and read. */
interface ReadChange extends StoredChange {
  readonly spec: unknown;
}

/**
 * Changes documents, all or none; or says what would change. When it resolves, this node knows of the changes.
 *
 * Whether the author may administer the tenants of the documents is decided before; a capability's checks decide the rest.
 *
 * @throws ToolgateError INVALID_REQUEST; INVALID_DOCUMENT with all faults of all documents; UNKNOWN_DOCUMENT for removing what never was, and
 *   for restoring a revision that is not kept; DOCUMENT_CONFLICT with what differs; LIMIT_EXCEEDED; STORE_UNAVAILABLE; what checks throw
 */
export async function applyDocuments(parts: DocumentParts, request: ApplyDocuments): Promise<AppliedDocuments> {
  checkRequest(request);
  const contents = await Promise.all(request.changes.map(({ ref, wanted }) => contentOf(parts.store, ref, wanted)));
  // Such a change depends on what the document is now, and another node may just have written that.
  const dependsOnNow = ({ ref }: WantedChange): boolean => {
    const kind = parts.kinds.get(ref.kind);
    return kind?.restore !== undefined || kind?.revert !== undefined;
  };
  if (request.changes.some(dependsOnNow)) await parts.copy.catchUp();
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const readBy = parts.copy.revision;
    const { changes, hasFormer } = readChanges(parts, request.changes, contents);
    const proposal = proposalOf(parts, request, changes);
    const judgedBy = await judge(parts, proposal);
    if (judgedBy === "outdated") continue;
    const answer = await applyStoredChanges(parts.store, {
      changes,
      author: ownerName(request.author),
      reason: request.reason,
      dryRun: request.dryRun,
      judgedBy: hasFormer ? readBy : judgedBy,
      above: parts.copy.highestRevision,
      audit: parts.auditAuthor?.(request.author, request.credential ?? ""),
    });
    if (answer.kind === "outdated") {
      await parts.copy.catchUp();
      continue;
    }
    if (answer.kind !== "applied") throw await refusal(parts.store, changes, answer);
    // The caller sees what it wrote through this node. Where Redis has gone since, it is written all the same.
    if (!request.dryRun) await parts.copy.catchUp().catch(() => {});
    const outcomes = answer.outcomes.map((outcome, place) => writeOutcome(changeAt(changes, place), outcome));
    return { outcomes, findings: await findingsOf(parts, proposal), revision: answer.revision };
  }
  throw new ToolgateError(
    "DOCUMENT_CONFLICT",
    "other documents change faster than the change can be judged; apply it again",
  );
}

function checkRequest({ changes, reason }: ApplyDocuments): void {
  if (changes.length === 0) throw invalidField("changes", "must have at least one change");
  if (changes.length > MAX_CHANGES) throw invalidField("changes", `must be at most ${MAX_CHANGES}`);
  if (reason.length > MAX_REASON_CHARACTERS) {
    throw invalidField("reason", `must be at most ${MAX_REASON_CHARACTERS} characters long`);
  }
  if (CONTROL.test(reason)) throw invalidField("reason", "must have no control characters");
  const paths = new Set<string>();
  for (const [index, { ref }] of changes.entries()) {
    const path = documentPath(ref);
    if (paths.has(path)) throw invalidField(`changes[${index}].ref`, "names a document that another change names");
    paths.add(path);
  }
}

/** Changes that were read, and whether the content of one depends on what its document is now. */
interface ReadChanges {
  readonly changes: readonly ReadChange[];
  readonly hasFormer: boolean;
}

/** @throws ToolgateError INVALID_DOCUMENT with all faults of all documents */
function readChanges(
  { kinds, copy }: DocumentParts,
  wanted: readonly WantedChange[],
  contents: readonly (Buffer | undefined)[],
): ReadChanges {
  const changes: ReadChange[] = [];
  let hasFormer = false;
  const faulty: { readonly ref: DocumentRef; readonly error: ToolgateError }[] = [];
  for (const [index, { ref, wanted: is, expectRevision }] of wanted.entries()) {
    const given = contents[index];
    const history = kinds.historyOf(ref.kind);
    try {
      const former = is.kind === "restored" && given !== undefined ? withoutEnded(kinds, copy, ref, given) : given;
      const body = former === undefined ? undefined : withSecrets(kinds, copy, ref, former);
      hasFormer ||= is.kind === "restored" ? kinds.get(ref.kind)?.revert !== undefined : body !== given;
      const spec = body === undefined ? undefined : readContent(kinds, ref, body);
      changes.push({ ref, body, expectRevision, history, spec });
    } catch (error) {
      if (!(error instanceof ToolgateError) || error.reason !== "INVALID_DOCUMENT") throw error;
      faulty.push({ ref, error });
    }
  }
  const [first, ...more] = faulty;
  if (first === undefined) return { changes, hasFormer };
  if (more.length === 0) throw first.error;
  const violations = faulty.flatMap(({ ref, error }) =>
    error.violations.map(({ field, description }) => ({ field: `${ref.kind}/${ref.name}#${field}`, description })),
  );
  throw new ToolgateError(
    "INVALID_DOCUMENT",
    faulty
      .map(({ error }) => error.message)
      .join("; ")
      .slice(0, 1_000),
    {
      violations,
    },
  );
}

/** What a document is to contain; undefined where it is to be removed. */
async function contentOf(store: DocumentStore, ref: DocumentRef, wanted: WantedDocument): Promise<Buffer | undefined> {
  switch (wanted.kind) {
    case "content":
      return wanted.body;
    case "removed":
      return undefined;
    case "restored": {
      const former = await readRevision(store, ref, wanted.revision);
      if (former === undefined) throw unknownRevision(ref, wanted.revision);
      return former.state === "removed" ? undefined : former.body;
    }
    default:
      return wanted satisfies never;
  }
}

/** A content with what is never shown of its document, where it leaves that out; the content itself where nothing is to be put back. */
function withSecrets(kinds: DocumentKinds, copy: DocumentsCopy, ref: DocumentRef, body: Buffer): Buffer {
  const restore = kinds.get(ref.kind)?.restore;
  const now = restore === undefined ? undefined : copy.held(ref)?.document.body;
  if (restore === undefined || now === undefined) return body;
  const [read, former] = [readBody(body), readBody(now)];
  if (read.kind !== "ok" || former.kind !== "ok") return body;
  const restored = restore(read.value, former.value);
  return restored === read.value ? body : Buffer.from(JSON.stringify(restored));
}

/** A former content without the credentials in it that have ended since. @throws ToolgateError INVALID_DOCUMENT where nothing of it may come back */
function withoutEnded(kinds: DocumentKinds, copy: DocumentsCopy, ref: DocumentRef, body: Buffer): Buffer {
  const kind = kinds.get(ref.kind);
  if (kind?.revert === undefined) return body;
  const held = copy.held(ref)?.document.body;
  const [read, now] = [readBody(body), held === undefined ? undefined : readBody(held)];
  if (read.kind !== "ok") return body; // which is refused
  const reverted = kind.revert(read.value, now?.kind === "ok" ? now.value : undefined, ref);
  return reverted === read.value ? body : Buffer.from(JSON.stringify(reverted));
}

/** @throws ToolgateError INVALID_DOCUMENT */
function readContent(kinds: DocumentKinds, ref: DocumentRef, body: Buffer): unknown {
  const kind = kinds.get(ref.kind);
  if (kind === undefined) throw invalidDocument(ref, [unknownKind(kinds, ref.kind)]);
  const read = readBody(body);
  if (read.kind === "malformed") throw invalidDocument(ref, [{ field: read.pointer, description: read.reason }]);
  const unknown = kind.unknownMembers?.(read.value) ?? [];
  try {
    const spec = kind.parse(read.value, ref);
    if (unknown.length > 0) throw invalidDocument(ref, unknown);
    return spec;
  } catch (error) {
    if (!(error instanceof ToolgateError) || unknown.length === 0 || error.reason !== "INVALID_DOCUMENT") throw error;
    const named = new Set(unknown.map(({ field }) => field));
    throw invalidDocument(ref, [...unknown, ...error.violations.filter(({ field }) => !named.has(field))]);
  }
}

function unknownKind(kinds: DocumentKinds, kind: string): Violation {
  const near = nearestWord(kind, kinds.names);
  const hint = near === undefined ? `one of ${kinds.names.join(", ")}` : `did you mean ${near}?`;
  return { field: "", description: `is of a kind that this node does not know: ${hint}` };
}

function proposalOf(
  { copy }: DocumentParts,
  { author, force, reason }: ApplyDocuments,
  changes: readonly ReadChange[],
): DocumentProposal {
  const proposed = changes.map(({ ref, body, spec }): ProposedChange => {
    const after: StoredDocument | undefined =
      body === undefined
        ? undefined
        : { ref, revision: copy.revision + 1, writtenAtMs: 0, author: ownerName(author), reason, body, spec };
    return { ref, after };
  });
  return { author, force, changes: proposed, before: copy, after: new ProposedDocuments(copy, proposed) };
}

/**
 * Has the checks judge the changes.
 *
 * @returns the revision that they were judged by, undefined where there is no check; `outdated` where documents changed meanwhile
 * @throws ToolgateError what checks throw
 */
async function judge(
  { copy, checks }: DocumentParts,
  proposal: DocumentProposal,
): Promise<number | undefined | "outdated"> {
  const concerned = checksOf(checks, proposal);
  if (concerned.length === 0) return undefined;
  const judgedBy = copy.revision;
  try {
    for (const check of concerned) await runInSlices(check.check(proposal), groupOf(proposal));
  } catch (error) {
    // What it saw may never have been at any one time.
    if (copy.revision === judgedBy) throw error;
  }
  return copy.revision === judgedBy ? judgedBy : "outdated";
}

async function findingsOf({ checks }: DocumentParts, proposal: DocumentProposal): Promise<DocumentFinding[]> {
  const found: DocumentFinding[] = [];
  for (const check of checksOf(checks, proposal)) {
    if (check.findings !== undefined) found.push(...(await runInSlices(check.findings(proposal), groupOf(proposal))));
  }
  return found.slice(0, MAX_FINDINGS);
}

/** A tenant that changes much takes turns with the others. */
function groupOf({ author }: DocumentProposal): string {
  return `documents ${author.tenant}`;
}

function checksOf(checks: readonly DocumentCheck[], { changes }: DocumentProposal): readonly DocumentCheck[] {
  const kinds = new Set(changes.map(({ ref }) => ref.kind));
  return checks.filter((check) => check.kinds.some((kind) => kinds.has(kind)));
}

function writeOutcome({ ref, body }: ReadChange, { outcome, revision, before }: StoredOutcome): AppliedDocument {
  const lines = outcome === "unchanged" ? [] : differenceLines(contentValue(before?.body), contentValue(body));
  const spelled =
    outcome === "changed" && lines.length === 0 && before !== undefined ? ["changed in spelling only"] : lines;
  return { ref, outcome, revision, differences: spelled };
}

/** The value of a content for comparing; an empty object of none, and of what cannot be read. */
function contentValue(body: Buffer | undefined): unknown {
  const read = body === undefined ? undefined : readBody(body);
  return read?.kind === "ok" ? read.value : {};
}

async function refusal(
  store: DocumentStore,
  changes: readonly ReadChange[],
  answer: Exclude<ApplyAnswer, { readonly kind: "applied" | "outdated" }>,
): Promise<ToolgateError> {
  const change = changeAt(changes, answer.place);
  switch (answer.kind) {
    case "conflict":
      return await conflict(store, change, answer.revision);
    case "unknown":
      return unknownDocument(change.ref);
    case "full": {
      const most = answer.of === "documents" ? `${MAX_DOCUMENTS} documents` : `${MAX_TENANT_BYTES} bytes of documents`;
      return new ToolgateError("LIMIT_EXCEEDED", `the tenant "${change.ref.tenant}" has as many as it may: ${most}`);
    }
    default:
      return answer satisfies never;
  }
}

/** @param revision what the document had when the change was compared with it; 0 for none. */
async function conflict(
  store: DocumentStore,
  { ref, expectRevision = 0 }: ReadChange,
  revision: number,
): Promise<ToolgateError> {
  const [expected, actual] = await Promise.all([
    expectRevision === 0 ? undefined : readRevision(store, ref, expectRevision),
    readDocument(store, ref),
  ]);
  const places = differences(contentValue(expected?.body), contentValue(actual?.body), MAX_CONFLICT_PLACES);
  const is = actual === undefined ? "is not there" : `is at revision ${actual.revision}, written by ${actual.author}`;
  const was = expectRevision === 0 ? "was to be new" : `was to be at revision ${expectRevision}`;
  const differs = places.map(({ change, pointer }) => `${change} ${pointer}`).join(", ");
  return new ToolgateError(
    "DOCUMENT_CONFLICT",
    `${ref.kind}/${ref.name} ${is}, and ${was}${differs === "" ? "" : `; since then: ${differs}`}`.slice(0, 1_000),
    {
      metadata: {
        document: `${ref.kind}/${ref.name}`,
        revision: String(actual?.revision ?? revision),
        expected: String(expectRevision),
      },
      violations: places.map(({ change, pointer }) => ({ field: pointer, description: `was ${change} meanwhile` })),
    },
  );
}

function changeAt(changes: readonly ReadChange[], place: number): ReadChange {
  const change = changes[place];
  if (change === undefined) throw new RangeError("APPLY_DOCUMENTS named another change");
  return change;
}

/** The error for a document that is not there. */
export function unknownDocument({ kind, name }: DocumentRef): ToolgateError {
  return new ToolgateError("UNKNOWN_DOCUMENT", `there is no ${kind} "${name}"`);
}

/** The error for a revision that is not kept, or never was. */
export function unknownRevision({ kind, name }: DocumentRef, revision: number): ToolgateError {
  return new ToolgateError("UNKNOWN_DOCUMENT", `${kind} "${name}" has no revision ${revision} that is kept`);
}
