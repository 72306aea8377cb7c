import { Type } from "typebox";
import { route } from "../route.js";
import { MADE_KEY } from "../schemas/key-schemas.js";
import { count, REASON, TENANT } from "../schemas/query-schemas.js";

export const CREATE_KEY = route({
  method: "POST",
  path: "/v1/keys",
  rpc: "Access/CreateKey",
  operationId: "createKey",
  summary: "Makes a key for a principal, which is made too where there is none.",
  tag: "access",
  body: Type.Object(
    {
      tenant: TENANT,
      principal: Type.String({ maxLength: 128, description: "Whom the key stands for." }),
      roles: Type.Array(Type.String({ maxLength: 128 }), { maxItems: 100, description: "Each must exist." }),
      ttlMs: Type.Optional(count("How long the key holds, in milliseconds; 0 for ever.")),
      reason: REASON,
    },
    { additionalProperties: false, $id: "NewKey" },
  ),
  answers: { 201: { description: "The key.", schema: MADE_KEY } },
  async handle({ json: { tenant = "", principal, roles, ttlMs = 0, reason = "" }, ask }) {
    const made = await ask.unary("Access/CreateKey", { tenant, principal, roles, ttlMs, reason });
    const { key = "", keyId = "", expiresAtMs = 0 } = made;
    return { status: 201, body: { key, keyId, expiresAtMs: Number(expiresAtMs) } };
  },
});
