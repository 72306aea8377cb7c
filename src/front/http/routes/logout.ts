import { Type } from "typebox";
import { noSessionCookie, sessionOf } from "../request-credentials.js";
import { route } from "../route.js";

export const LOGOUT = route({
  method: "POST",
  path: "/v1/logout",
  rpc: "Access/Logout",
  operationId: "logout",
  summary: "Ends the session that the request was made with.",
  tag: "access",
  answers: {
    204: {
      description: "It has ended.",
      headers: { "Set-Cookie": { description: "Takes the cookie, where there was one.", schema: Type.String() } },
    },
  },
  async handle({ headers, ask }) {
    await ask.unary("Access/Logout", {});
    const cookie = sessionOf(headers.cookie) === undefined ? {} : { "set-cookie": noSessionCookie() };
    return { status: 204, headers: cookie };
  },
});
