import { Type } from "typebox";
import { route } from "../route.js";
import { count } from "../schemas/query-schemas.js";

const VERDICT = Type.Object(
  {
    records: Type.Integer({ description: "How many were checked." }),
    faults: Type.Array(Type.Object({ id: Type.String(), message: Type.String() }), {
      description: "The first hundred; none where all is as it was written.",
    }),
    sealedUntil: Type.String({
      description: "The latest record that is sealed; what came after it is sealed within seconds.",
    }),
  },
  { $id: "AuditVerdict" },
);

export const VERIFY_AUDIT = route({
  method: "POST",
  path: "/v1/audit::verify",
  documentedPath: "/v1/audit:verify",
  rpc: "Audit/VerifyAudit",
  operationId: "verifyAudit",
  summary: "Checks that no record of the audit was changed, removed or added.",
  tag: "audit",
  body: Type.Object(
    { fromMs: Type.Optional(count("From when on, in Unix milliseconds; all of it where nothing is said.")) },
    { additionalProperties: false, $id: "AuditCheck" },
  ),
  answers: { 200: { description: "Whether it is whole.", schema: VERDICT } },
  async handle({ json: { fromMs = 0 }, ask }) {
    const { records = 0, faults = [], sealedUntil = "" } = await ask.unary("Audit/VerifyAudit", { fromMs });
    const found = faults.map(({ id = "", message = "" }) => ({ id, message }));
    return { status: 200, body: { records: Number(records), faults: found, sealedUntil } };
  },
});
