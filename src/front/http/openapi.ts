import type { TSchema } from "typebox";
import { VERSION } from "../../version.js";
import { PROBLEM } from "./problem.js";
import { CSRF_HEADER, SESSION_COOKIE } from "./request-credentials.js";
import { isOptional, type Route, type RouteAnswer } from "./route.js";
import { REFUSED } from "./schemas/refusals.js";

/** A value of the document. */
type Node = Readonly<Record<string, unknown>>;

/**
 * The OpenAPI 3.1 document of routes, made of their own schemas: what has an `$id` is a component, and is referred to.
 *
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export function openApiOf(routes: readonly Route[]): Node {
  const schemas = new Map<string, Node>();
  const component = (schema: unknown): unknown => withComponents(schema, schemas);
  component(PROBLEM);
  const paths: Record<string, Record<string, Node>> = {};
  for (const route of routes) {
    const path = documentedPath(route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, component) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Toolgate",
      version: VERSION,
      description: "Tools of a registry: find them, call them, follow what they say. What holds over gRPC holds here.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { cookie: [], csrf: [] }, {}],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "An API key, a login's token, or an issuer's token." },
        cookie: { type: "apiKey", in: "cookie", name: SESSION_COOKIE, description: "A login's: see `login`." },
        csrf: {
          type: "apiKey",
          in: "header",
          name: CSRF_HEADER,
          description: "The login's `csrfToken`, beside its cookie where something is changed.",
        },
      },
    },
  };
}

/** `/v1/toolsets/{toolset}` of `/v1/toolsets/:toolset`. */
export function documentedPath({ path, documentedPath }: Route): string {
  return documentedPath ?? path.replace(/:([A-Za-z]+)/g, "{$1}");
}

function operationOf(route: Route, component: (schema: unknown) => unknown): Node {
  const { operationId, summary, tag, params, query, headers, body, answers } = route;
  const parameters = [
    ...parametersOf("path", params, component),
    ...parametersOf("query", query, component),
    ...parametersOf("header", headers, component),
  ];
  return {
    operationId,
    summary,
    tags: [tag],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: requestBody(body === "raw" ? {} : component(body), body !== "raw" && !isOptional(body)) }),
    responses: responsesOf({ ...REFUSED, ...answers }, component),
  };
}

/** A body of JSON. */
export function requestBody(schema: unknown, required: boolean): Node {
  return { required, content: { "application/json": { schema } } };
}

/** The answers of an operation. */
export function responsesOf(
  answers: Readonly<Record<number, RouteAnswer>>,
  component: (schema: unknown) => unknown,
): Node {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, contentType = "application/json", headers }]) => [
      status,
      {
        description,
        ...(headers === undefined ? {} : { headers }),
        ...(schema === undefined ? {} : { content: { [contentType]: { schema: component(schema) } } }),
      },
    ]),
  );
}

function parametersOf(
  place: "path" | "query" | "header",
  schema: Route["params"],
  component: (schema: unknown) => unknown,
): Node[] {
  if (schema === undefined) return [];
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties as Readonly<Record<string, TSchema & { description?: string }>>).map(
    ([name, property]) => {
      const { description, ...rest } = property;
      return {
        name,
        in: place,
        required: place === "path" || required.has(name),
        ...(description === undefined ? {} : { description }),
        schema: component(rest),
      };
    },
  );
}

/** A schema with what has a name in it put among the components. */
function withComponents(schema: unknown, components: Map<string, Node>): unknown {
  if (Array.isArray(schema)) return schema.map((part) => withComponents(part, components));
  if (typeof schema !== "object" || schema === null) return schema;
  const { $id, ...rest } = schema as { readonly $id?: unknown };
  const made = Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, withComponents(part, components)]));
  if (typeof $id !== "string") return made;
  components.set($id, made);
  return { $ref: `#/components/schemas/${$id}` };
}
