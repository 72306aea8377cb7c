import { Type } from "typebox";
import { route } from "../route.js";
import { holderOf, KEY_PAGE } from "../schemas/key-schemas.js";
import { PAGE_QUERY, TENANT } from "../schemas/query-schemas.js";

export const LIST_KEYS = route({
  method: "GET",
  path: "/v1/keys",
  rpc: "Access/ListKeys",
  operationId: "listKeys",
  summary: "The principals that have keys, and when each key was used last. No key is shown.",
  tag: "access",
  query: Type.Object({ tenant: TENANT, ...PAGE_QUERY }, { additionalProperties: false }),
  answers: { 200: { description: "A page of principals, in the order of their names.", schema: KEY_PAGE } },
  async handle({ query: { tenant = "", pageSize = 0, pageToken = "" }, ask }) {
    const { holders = [], nextPageToken = "" } = await ask.unary("Access/ListKeys", { tenant, pageSize, pageToken });
    return { status: 200, body: { holders: holders.map(holderOf), nextPageToken } };
  },
});
