import { Type } from "typebox";
import { csrfTokenOf, sessionOf } from "../request-credentials.js";
import { route } from "../route.js";

const CALLER = Type.Object(
  {
    tenant: Type.String(),
    id: Type.String({ description: "Its id within the tenant." }),
    kind: Type.String({
      description: "How it proved that: `key`, `user`, `token`, `certificate` or `anonymous`; others may be added.",
    }),
    roles: Type.Array(Type.String()),
    expiresAtMs: Type.Integer({ description: "When its credential expires, in Unix milliseconds; 0 for never." }),
    csrfToken: Type.Optional(
      Type.String({ description: "Of a caller with the cookie of a login: what `X-CSRF-Token` must have." }),
    ),
  },
  { $id: "Caller" },
);

export const WHO_AM_I = route({
  method: "GET",
  path: "/v1/whoami",
  rpc: "Access/WhoAmI",
  operationId: "whoAmI",
  summary: "Who the caller is.",
  tag: "access",
  answers: { 200: { description: "The caller.", schema: CALLER } },
  async handle({ headers, ask }) {
    const { tenant = "", id = "", kind = "", roles = [], expiresAtMs = 0 } = await ask.unary("Access/WhoAmI", {});
    const session = headers.authorization === undefined ? sessionOf(headers.cookie) : undefined;
    // A page that was loaded anew has lost what the login told it.
    const csrf = session === undefined ? {} : { csrfToken: csrfTokenOf(session) };
    return { status: 200, body: { tenant, id, kind, roles, expiresAtMs: Number(expiresAtMs), ...csrf } };
  },
});
