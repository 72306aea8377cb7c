import { ToolgateError } from "../errors/toolgate-error.js";
import type { ApplyDocumentsResponse__Output } from "../protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import type { Document__Output } from "../protocol/generated/toolgate/v1/Document.js";
import type { DocumentChange as WireChange } from "../protocol/generated/toolgate/v1/DocumentChange.js";
import type { DocumentRef__Output } from "../protocol/generated/toolgate/v1/DocumentRef.js";
import type { GetDocumentResponse__Output } from "../protocol/generated/toolgate/v1/GetDocumentResponse.js";
import type { ListDocumentsResponse__Output } from "../protocol/generated/toolgate/v1/ListDocumentsResponse.js";
import type { ListRevisionsResponse__Output } from "../protocol/generated/toolgate/v1/ListRevisionsResponse.js";
import type { UnjudgedConditions__Output } from "../protocol/generated/toolgate/v1/UnjudgedConditions.js";
import type {
  Applied,
  ApplyOptions,
  ConfiguredDocument,
  DocumentChange,
  DocumentOutcome,
  DocumentRef,
  Documents,
  GetDocumentOptions,
  ListDocumentsOptions,
  UnjudgedConditions,
} from "./documents.js";
import { ifDefined } from "./if-defined.js";
import { type DecodeJson, jsonBytes } from "./json-bytes.js";
import type { RequestOptions } from "./request-options.js";
import type { Requests } from "./requests.js";

/** How many documents a page has. */
const PAGE_SIZE = 200;

/** The service Documents, as the client's types. */
export class DocumentsClient implements Documents {
  readonly #requests: Requests;
  readonly #decode: DecodeJson;

  constructor(requests: Requests, decode: DecodeJson) {
    this.#requests = requests;
    this.#decode = decode;
  }

  async *list(options: ListDocumentsOptions = {}): AsyncGenerator<ConfiguredDocument, void, void> {
    const { tenant = "", kind = "", signal } = options;
    let pageToken = "";
    do {
      const page = await this.#requests.read<ListDocumentsResponse__Output>(signal, ({ documents }, ...rest) =>
        documents.listDocuments({ tenant, kind, pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      for (const document of page.documents) yield this.#document(document);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  async get(ref: DocumentRef, { revision = 0, signal }: GetDocumentOptions = {}): Promise<ConfiguredDocument> {
    const { document } = await this.#requests.read<GetDocumentResponse__Output>(signal, ({ documents }, ...rest) =>
      documents.getDocument({ ref: wireRef(ref), revision }, ...rest),
    );
    if (document === null) throw new ToolgateError("INTERNAL", "The node answered without the document.");
    return this.#document(document);
  }

  async revisions(ref: DocumentRef, { signal }: RequestOptions = {}): Promise<ConfiguredDocument[]> {
    const { revisions } = await this.#requests.read<ListRevisionsResponse__Output>(signal, ({ documents }, ...rest) =>
      documents.listRevisions({ ref: wireRef(ref) }, ...rest),
    );
    return revisions.map((document) => this.#document(document));
  }

  async apply(changes: readonly DocumentChange[], options: ApplyOptions = {}): Promise<Applied> {
    const { reason = "", dryRun = false, force = false, signal } = options;
    const request = { changes: changes.map(wireChange), reason, dryRun, force };
    // Repeated after it was applied, a change from an expected revision would be reported as a conflict with itself.
    const ask = dryRun ? this.#requests.read : this.#requests.write;
    const answer = await ask<ApplyDocumentsResponse__Output>(signal, ({ documents }, ...rest) =>
      documents.applyDocuments(request, ...rest),
    );
    return {
      outcomes: answer.outcomes.map(({ ref, outcome, revision, differences }) => {
        // A node's own word.
        return { ...readRef(ref), outcome: outcome as DocumentOutcome["outcome"], revision, differences };
      }),
      findings: answer.findings.map(({ ref, path, message }) => ({ ...readRef(ref), path, message })),
      revision: answer.revision,
    };
  }

  #document(wire: Document__Output): ConfiguredDocument {
    const { ref, revision, writtenAtMs, author, reason, bodyJson, removed, unreadable, unjudged } = wire;
    return {
      ...readRef(ref),
      revision,
      writtenAt: new Date(writtenAtMs),
      author,
      reason,
      body: bodyJson.length === 0 ? undefined : this.#decode(bodyJson),
      removed,
      ...(unreadable === "" ? {} : { unreadable }),
      ...(unjudged ? { unjudged: readUnjudged(unjudged) } : {}), // absent from a node of a former version
    };
  }
}

function readUnjudged({ times, path, reason, atMs }: UnjudgedConditions__Output): UnjudgedConditions {
  return { times, path, reason, at: new Date(atMs) };
}

function wireRef({ tenant = "", kind, name }: DocumentRef): DocumentRef__Output {
  return { tenant, kind, name };
}

function readRef(ref: DocumentRef__Output | null): { tenant: string; kind: string; name: string } {
  const { tenant = "", kind = "", name = "" } = ref ?? {};
  return { tenant, kind, name };
}

function wireChange(change: DocumentChange): WireChange {
  return {
    ref: wireRef(change),
    ...ifDefined("expectRevision", change.expectRevision),
    ...("body" in change ? { bodyJson: jsonBytes(change.body, "body") } : {}),
    ...("restore" in change ? { restoreRevision: change.restore } : {}),
  };
}
