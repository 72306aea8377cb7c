import { Type } from "typebox";
import { route } from "../route.js";
import { DOCUMENT, DOCUMENT_PARAM, documentOf, KIND_PARAM } from "../schemas/document-schemas.js";
import { count, TENANT } from "../schemas/query-schemas.js";

export const GET_DOCUMENT = route({
  method: "GET",
  path: "/v1/documents/:kind/:name",
  rpc: "Documents/GetDocument",
  operationId: "getDocument",
  summary: "A document, as it is or as it was.",
  tag: "configuration",
  params: Type.Object({ kind: KIND_PARAM, name: DOCUMENT_PARAM }),
  query: Type.Object(
    { tenant: TENANT, revision: Type.Optional(count("As it was at this revision.", 1)) },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "The document.", schema: DOCUMENT } },
  async handle({ params: { kind, name }, query: { tenant = "", revision = 0 }, ask }) {
    const { document } = await ask.unary("Documents/GetDocument", { ref: { tenant, kind, name }, revision });
    return { status: 200, body: documentOf(document ?? {}) };
  },
});
