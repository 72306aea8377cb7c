import { Credentials, type SecretReferences } from "../../../src/hosting/http/credentials.js";
import {
  type HttpToolChoice,
  type HttpToolset,
  type PlannedTool,
  planToolset,
} from "../../../src/hosting/http/http-toolset.js";
import { OpenApiDocument } from "../../../src/hosting/http/openapi-document.js";
import type { Json } from "../../../src/json/json.js";

/** Variables that the tests' references lead to. */
export const ENV = { KEY: "key-0123456789", TOKEN: "token-0123456789", LOGIN: "me:secret-0123456789" } as const;

/** What a document comes to, without a registry. */
export function plan(
  document: Json,
  choice: HttpToolChoice = {},
  auth: SecretReferences = {},
  headers: SecretReferences = {},
): HttpToolset {
  const credentials = new Credentials(auth, headers, ENV, () => 0);
  return planToolset(new OpenApiDocument(document, "api.yaml"), choice, credentials, undefined);
}

/** A document of these paths. */
export function api(paths: Json, more: Readonly<Record<string, Json>> = {}): Json {
  const info = { title: "An API", version: "1.2.3" };
  return { openapi: "3.1.0", info, servers: [{ url: "https://api.example.com/v1" }], paths, ...more };
}

/** The only tool of a document that has one operation. */
export function onlyTool(document: Json, choice: HttpToolChoice = {}): PlannedTool {
  const { tools, skipped } = plan(document, choice);
  const [tool] = tools;
  if (tool === undefined || tools.length > 1)
    throw new Error(`there are ${tools.length} tools: ${JSON.stringify(skipped)}`);
  return tool;
}
