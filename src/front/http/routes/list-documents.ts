import { Type } from "typebox";
import { route } from "../route.js";
import { DOCUMENT_PAGE, documentOf } from "../schemas/document-schemas.js";
import { PAGE_QUERY, TENANT } from "../schemas/query-schemas.js";

export const LIST_DOCUMENTS = route({
  method: "GET",
  path: "/v1/documents",
  rpc: "Documents/ListDocuments",
  operationId: "listDocuments",
  summary: "What administrators have configured: documents, by kind and name.",
  tag: "configuration",
  query: Type.Object(
    {
      tenant: TENANT,
      kind: Type.Optional(Type.String({ maxLength: 64, description: "Only documents of this kind." })),
      ...PAGE_QUERY,
    },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "A page of documents.", schema: DOCUMENT_PAGE } },
  async handle({ query: { tenant = "", kind = "", pageSize = 0, pageToken = "" }, ask }) {
    const page = await ask.unary("Documents/ListDocuments", { tenant, kind, pageSize, pageToken });
    const { documents = [], nextPageToken = "", revision = 0 } = page;
    return { status: 200, body: { documents: documents.map(documentOf), nextPageToken, revision: Number(revision) } };
  },
});
