import { Type } from "typebox";
import { route } from "../route.js";
import { PRINCIPAL_PARAM } from "../schemas/key-schemas.js";
import { REASON, TENANT } from "../schemas/query-schemas.js";

export const REVOKE_KEY = route({
  method: "POST",
  path: "/v1/keys/:principal(^[^:]+$)::revoke",
  documentedPath: "/v1/keys/{principal}:revoke",
  rpc: "Access/RevokeKey",
  operationId: "revokeKey",
  summary: "Ends a principal's keys, or one of them, on every node and on open streams.",
  tag: "access",
  params: Type.Object({ principal: PRINCIPAL_PARAM }),
  body: Type.Object(
    {
      tenant: TENANT,
      keyId: Type.Optional(
        Type.String({ minLength: 1, maxLength: 128, description: "This one key; all of them where none is named." }),
      ),
      reason: REASON,
    },
    { additionalProperties: false, $id: "KeyRevocation" },
  ),
  answers: {
    200: {
      description: "They have ended.",
      schema: Type.Object({ revoked: Type.Integer({ description: "How many." }) }, { $id: "RevokedKeys" }),
    },
  },
  async handle({ params: { principal }, json: { tenant = "", keyId = "", reason = "" }, ask }) {
    const { revoked = 0 } = await ask.unary("Access/RevokeKey", { tenant, principal, keyId, reason });
    return { status: 200, body: { revoked } };
  },
});
