import { Type } from "typebox";
import { route, type StreamEvent } from "../route.js";
import type { RpcResponse } from "../rpcs.js";
import { AUDIT_FILTER, AUDIT_RECORD, filterOf, recordOf } from "../schemas/audit-schemas.js";

export const TAIL_AUDIT = route({
  method: "GET",
  path: "/v1/audit::tail",
  documentedPath: "/v1/audit:tail",
  rpc: "Audit/TailAudit",
  operationId: "tailAudit",
  summary: "Records of the audit as they are written, as server-sent events: `record`, `problem`.",
  tag: "audit",
  query: Type.Object(AUDIT_FILTER, { additionalProperties: false }),
  answers: {
    200: {
      description: "Events. A reader that was away asks `GET /v1/audit` for what it has missed.",
      schema: AUDIT_RECORD,
      contentType: "text/event-stream",
    },
  },
  async handle({ query, ask }) {
    return { events: eventsOf(ask.stream("Audit/TailAudit", { filter: filterOf(query) })) };
  },
});

async function* eventsOf(
  messages: AsyncIterable<RpcResponse<"Audit/TailAudit">>,
): AsyncGenerator<StreamEvent, void, void> {
  for await (const { records = [] } of messages)
    for (const record of records) yield { event: "record", data: recordOf(record) };
}
