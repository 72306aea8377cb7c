import { Type } from "typebox";
import { route } from "../route.js";
import { PRINCIPAL_PARAM, ROTATED_KEY } from "../schemas/key-schemas.js";
import { count, REASON, TENANT } from "../schemas/query-schemas.js";

export const ROTATE_KEY = route({
  method: "POST",
  path: "/v1/keys/:principal(^[^:]+$)::rotate",
  documentedPath: "/v1/keys/{principal}:rotate",
  rpc: "Access/RotateKey",
  operationId: "rotateKey",
  summary: "Makes another key for a principal; its former ones hold for a while yet.",
  tag: "access",
  params: Type.Object({ principal: PRINCIPAL_PARAM }),
  body: Type.Object(
    {
      tenant: TENANT,
      overlapMs: Type.Optional(
        count("How long the former keys still hold, in milliseconds; 0 ends them at once, at most 30 days."),
      ),
      ttlMs: Type.Optional(count("How long the new key holds, in milliseconds; 0 for ever.")),
      reason: REASON,
    },
    { additionalProperties: false, $id: "KeyRotation" },
  ),
  answers: { 201: { description: "The new key.", schema: ROTATED_KEY } },
  async handle({ params: { principal }, json: { tenant = "", overlapMs = 0, ttlMs = 0, reason = "" }, ask }) {
    const made = await ask.unary("Access/RotateKey", { tenant, principal, overlapMs, ttlMs, reason });
    const { key = "", keyId = "", expiresAtMs = 0, formerUntilMs = 0 } = made;
    const times = { expiresAtMs: Number(expiresAtMs), formerUntilMs: Number(formerUntilMs) };
    return { status: 201, body: { key, keyId, ...times } };
  },
});
