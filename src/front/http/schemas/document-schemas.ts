import { Type } from "typebox";
import type { Document } from "../../../protocol/generated/toolgate/v1/Document.js";
import type { DocumentRef } from "../../../protocol/generated/toolgate/v1/DocumentRef.js";
import type { UnjudgedConditions } from "../../../protocol/generated/toolgate/v1/UnjudgedConditions.js";
import { rawOf } from "./raw.js";

const REF = {
  tenant: Type.String(),
  kind: Type.String({ description: "`role`, `key`, `user`, `share`, `limit`, …" }),
  name: Type.String({ description: "Its name within its tenant and kind." }),
};

export const KIND_PARAM = Type.String({ maxLength: 64, description: "The kind: `role`, `limit`, …" });
export const DOCUMENT_PARAM = Type.String({ maxLength: 512, description: "The document's name, percent-encoded." });

export const DOCUMENT = Type.Object(
  {
    ...REF,
    revision: Type.Integer({ description: "Counts the registry's changes to documents; a later one is higher." }),
    writtenAtMs: Type.Integer({ description: "In Unix milliseconds." }),
    author: Type.String({ description: "The principal that wrote it, as `tenant/id`." }),
    reason: Type.String(),
    body: Type.Optional(
      Type.Unknown({
        description:
          "The content, as it was applied; hashes of secrets are left out. Absent in lists of revisions, of a removal, and where the node cannot tell what in it is secret.",
      }),
    ),
    removed: Type.Boolean({ description: "This revision removed it." }),
    unreadable: Type.Optional(
      Type.String({ description: "Why the node does not go by the document, where it cannot." }),
    ),
    unjudged: Type.Optional(
      Type.Object(
        {
          times: Type.Integer({ description: "How often, since the role was changed last or the node started." }),
          path: Type.String({ description: "The latest one's rule, as a JSON pointer: `/rules/0`." }),
          reason: Type.String(),
          atMs: Type.Integer({ description: "When that was, in Unix milliseconds." }),
        },
        { description: "Conditions of a role that the node could not judge, where there are any." },
      ),
    ),
  },
  { $id: "Document" },
);

export const DOCUMENT_PAGE = Type.Object(
  {
    documents: Type.Array(DOCUMENT),
    nextPageToken: Type.String(),
    revision: Type.Integer({ description: "The registry's latest revision that the node knows." }),
  },
  { $id: "DocumentPage" },
);

export const REVISIONS = Type.Object(
  { revisions: Type.Array(DOCUMENT, { description: "Newest first, without contents." }) },
  { $id: "DocumentRevisions" },
);

export const APPLIED = Type.Object(
  {
    outcomes: Type.Array(
      Type.Object({
        ...REF,
        outcome: Type.String({ description: "`created`, `changed`, `removed` or `unchanged`." }),
        revision: Type.Integer({ description: "The one that it has now; of a dry run, the one that it has." }),
        differences: Type.Array(Type.String(), { description: "Lines of JSON pointers." }),
      }),
      { description: "In the order of the changes." },
    ),
    findings: Type.Array(
      Type.Object({
        ...REF,
        path: Type.String({ description: "Where in the document, as a JSON pointer." }),
        message: Type.String(),
      }),
      { description: "What is allowed, and probably not meant." },
    ),
    revision: Type.Integer({ description: "The registry's revision." }),
  },
  { $id: "AppliedDocuments" },
);

export function refOf(ref: DocumentRef | null | undefined): object {
  const { tenant = "", kind = "", name = "" } = ref ?? {};
  return { tenant, kind, name };
}

export function documentOf(document: Document): object {
  const { ref, revision = 0, writtenAtMs = 0, author = "", reason = "", removed = false } = document;
  const { unreadable = "", unjudged } = document;
  const body = rawOf(document.bodyJson);
  return {
    ...refOf(ref),
    ...{ revision: Number(revision), writtenAtMs: Number(writtenAtMs), author, reason, removed },
    ...(body === undefined ? {} : { body }),
    ...(unreadable === "" ? {} : { unreadable }),
    ...(unjudged ? { unjudged: unjudgedOf(unjudged) } : {}),
  };
}

function unjudgedOf({ times = 0, path = "", reason = "", atMs = 0 }: UnjudgedConditions): object {
  return { times: Number(times), path, reason, atMs: Number(atMs) };
}
