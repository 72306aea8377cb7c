import { Type } from "typebox";
import { route } from "../route.js";
import { DOCUMENT_PARAM, documentOf, KIND_PARAM, REVISIONS } from "../schemas/document-schemas.js";
import { TENANT } from "../schemas/query-schemas.js";

export const LIST_REVISIONS = route({
  method: "GET",
  path: "/v1/documents/:kind/:name/revisions",
  rpc: "Documents/ListRevisions",
  operationId: "listRevisions",
  summary: "The revisions of a document: by whom, when and why.",
  tag: "configuration",
  params: Type.Object({ kind: KIND_PARAM, name: DOCUMENT_PARAM }),
  query: Type.Object({ tenant: TENANT }, { additionalProperties: false }),
  answers: { 200: { description: "The revisions that are kept.", schema: REVISIONS } },
  async handle({ params: { kind, name }, query: { tenant = "" }, ask }) {
    const { revisions = [] } = await ask.unary("Documents/ListRevisions", { ref: { tenant, kind, name } });
    return { status: 200, body: { revisions: revisions.map(documentOf) } };
  },
});
