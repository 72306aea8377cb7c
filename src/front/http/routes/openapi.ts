import { Type } from "typebox";
import { openApiOf } from "../openapi.js";
import { type Route, route } from "../route.js";
import { toolsDocument } from "../tools-document.js";

const DOCUMENT = Type.Object(
  { openapi: Type.String(), info: Type.Unknown(), paths: Type.Unknown() },
  { description: "An OpenAPI 3.1 document.", additionalProperties: true },
);

/** The document of all routes, itself among them. */
export function documentRoute(routes: () => readonly Route[]): Route {
  let document: object | undefined;
  return route({
    method: "GET",
    path: "/v1/openapi.json",
    rpc: "Catalog/GetRegistry",
    operationId: "getOpenApi",
    summary: "This document.",
    tag: "documents",
    answers: { 200: { description: "The document.", schema: DOCUMENT } },
    handle: async () => {
      document ??= openApiOf(routes());
      return { status: 200, body: document };
    },
  });
}

export const TOOLS_DOCUMENT = route({
  method: "GET",
  path: "/v1/openapi/tools",
  rpc: "Catalog/GetToolset",
  operationId: "getToolsOpenApi",
  summary: "An OpenAPI document with one operation for each tool of a toolset that the caller may see.",
  tag: "documents",
  query: Type.Object(
    { toolset: Type.String({ maxLength: 256, description: "The toolset, as the caller names it." }) },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "The document.", schema: DOCUMENT } },
  async handle({ query, ask }) {
    const answer = await ask.unary("Catalog/GetToolset", { name: query.toolset });
    return { status: 200, body: await toolsDocument(query.toolset, answer) };
  },
});
