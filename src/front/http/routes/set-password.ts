import { Type } from "typebox";
import { route } from "../route.js";
import { REASON, TENANT } from "../schemas/query-schemas.js";

/** Names, roles and a password, in escapes. */
const MAX_BODY_BYTES = 65_536;

export const SET_PASSWORD = route({
  method: "PUT",
  path: "/v1/users/:user/password",
  rpc: "Access/SetPassword",
  operationId: "setPassword",
  summary: "Sets a person's password, and makes the person where there is none.",
  tag: "access",
  params: Type.Object({ user: Type.String({ maxLength: 512, description: "The person, percent-encoded." }) }),
  body: Type.Object(
    {
      tenant: TENANT,
      password: Type.String({ maxLength: 256, description: "At least 12 characters." }),
      roles: Type.Optional(
        Type.Array(Type.String({ maxLength: 128 }), {
          maxItems: 100,
          description: "The person's roles; kept where none is given.",
        }),
      ),
      reason: REASON,
    },
    { additionalProperties: false, $id: "NewPassword" },
  ),
  maxBodyBytes: MAX_BODY_BYTES,
  answers: { 204: { description: "It is set." } },
  async handle({ params: { user }, json: { tenant = "", password, roles = [], reason = "" }, ask }) {
    await ask.unary("Access/SetPassword", { tenant, user, password, roles, reason });
    return { status: 204 };
  },
});
