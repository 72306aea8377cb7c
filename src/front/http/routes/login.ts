import { Type } from "typebox";
import { csrfTokenOf, sessionCookie } from "../request-credentials.js";
import { route } from "../route.js";

const CREDENTIALS = Type.Object(
  {
    tenant: Type.Optional(Type.String({ maxLength: 64, description: "The tenant; the default one if none is named." })),
    user: Type.String({ maxLength: 256 }),
    password: Type.String({ maxLength: 256 }),
  },
  { additionalProperties: false, $id: "LoginCredentials" },
);

const SESSION = Type.Object(
  {
    expiresAtMs: Type.Integer({ description: "When the login ends, in Unix milliseconds." }),
    sessionToken: Type.Optional(
      Type.String({ description: "Sent as a key is; shown once. Absent where a cookie has it." }),
    ),
    csrfToken: Type.Optional(
      Type.String({
        description:
          "With the cookie: what `X-CSRF-Token` must have in every request that changes something. `GET /v1/whoami` says it too.",
      }),
    ),
  },
  { $id: "Session" },
);

export const LOGIN = route({
  method: "POST",
  path: "/v1/login",
  rpc: "Access/Login",
  operationId: "login",
  summary: "Opens a short session for a person, by name and password.",
  tag: "access",
  query: Type.Object(
    {
      cookie: Type.Optional(
        Type.Boolean({
          description: "The session comes as a cookie that pages cannot read, not in the body. For browsers.",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  body: CREDENTIALS,
  answers: {
    200: {
      description: "The session is open.",
      schema: SESSION,
      headers: { "Set-Cookie": { description: "Where a cookie was asked for.", schema: Type.String() } },
    },
  },
  async handle({ query, json: { tenant = "", user, password }, ask }) {
    const { sessionToken = "", expiresAtMs = 0 } = await ask.unary("Access/Login", { tenant, user, password });
    const ends = { expiresAtMs: Number(expiresAtMs) };
    if (query.cookie !== true) return { status: 200, body: { ...ends, sessionToken } };
    return {
      status: 200,
      headers: { "set-cookie": sessionCookie(sessionToken) },
      body: { ...ends, csrfToken: csrfTokenOf(sessionToken) },
    };
  },
});
