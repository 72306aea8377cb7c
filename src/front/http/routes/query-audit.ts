import { Type } from "typebox";
import { route } from "../route.js";
import { AUDIT_FILTER, AUDIT_RECORD, AUDIT_TIMES, filterOf, recordOf } from "../schemas/audit-schemas.js";
import { PAGE_QUERY } from "../schemas/query-schemas.js";

export const QUERY_AUDIT = route({
  method: "GET",
  path: "/v1/audit",
  rpc: "Audit/QueryAudit",
  operationId: "queryAudit",
  summary: "What was decided and changed, by whom: records of the audit, oldest first.",
  tag: "audit",
  query: Type.Object({ ...AUDIT_FILTER, ...AUDIT_TIMES, ...PAGE_QUERY }, { additionalProperties: false }),
  answers: {
    200: {
      description: "A page of records.",
      schema: Type.Object({ records: Type.Array(AUDIT_RECORD), nextPageToken: Type.String() }, { $id: "AuditPage" }),
    },
  },
  async handle({ query: { pageSize = 0, pageToken = "", ...filter }, ask }) {
    const page = await ask.unary("Audit/QueryAudit", { filter: filterOf(filter), pageSize, pageToken });
    const { records = [], nextPageToken = "" } = page;
    return { status: 200, body: { records: records.map(recordOf), nextPageToken } };
  },
});
