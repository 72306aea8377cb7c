import { Type } from "typebox";
import { route } from "../route.js";
import { FILTER_QUERY, PAGE_QUERY, readListQuery } from "../schemas/query-schemas.js";
import { SEARCH_PAGE } from "../schemas/toolset-schemas.js";

export const SEARCH = route({
  method: "GET",
  path: "/v1/search",
  rpc: "Catalog/Search",
  operationId: "search",
  summary: "Finds tools by words of their names and descriptions.",
  tag: "toolsets",
  query: Type.Object(
    { q: Type.String({ maxLength: 1_024, description: "What is looked for." }), ...FILTER_QUERY, ...PAGE_QUERY },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "Tools, the best first.", schema: SEARCH_PAGE } },
  async handle({ query, ask }) {
    const page = await ask.unary("Catalog/Search", { query: query.q, ...readListQuery(query) });
    const { hits = [], nextPageToken = "", stale = false } = page;
    const found = hits.map(({ toolset = "", tool = "", score = 0, title = "", description = "", healthy = false }) => ({
      toolset,
      tool,
      score: Number(score),
      title,
      description,
      healthy,
    }));
    return { status: 200, body: { hits: found, nextPageToken, stale } };
  },
});
