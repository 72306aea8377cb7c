import { Type } from "typebox";
import { route } from "../route.js";
import { FILTER_QUERY, PAGE_QUERY, readListQuery } from "../schemas/query-schemas.js";
import { summaryOf, TOOLSET_PAGE } from "../schemas/toolset-schemas.js";

export const LIST_TOOLSETS = route({
  method: "GET",
  path: "/v1/toolsets",
  rpc: "Catalog/ListToolsets",
  operationId: "listToolsets",
  summary: "Lists the toolsets that the caller may see.",
  tag: "toolsets",
  query: Type.Object({ ...FILTER_QUERY, ...PAGE_QUERY }, { additionalProperties: false }),
  answers: { 200: { description: "A page of toolsets, in the order of their names.", schema: TOOLSET_PAGE } },
  async handle({ query, ask }) {
    const page = await ask.unary("Catalog/ListToolsets", readListQuery(query));
    const { toolsets = [], nextPageToken = "", stale = false, revision = "", quarantined = [] } = page;
    return { status: 200, body: { toolsets: toolsets.map(summaryOf), nextPageToken, stale, revision, quarantined } };
  },
});
