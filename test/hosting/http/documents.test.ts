import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { HttpToolset } from "../../../src/hosting/http/http-toolset.js";
import { readDocument } from "../../../src/hosting/http/read-document.js";
import type { Json } from "../../../src/json/json.js";
import { checkSchemaPolicy } from "../../../src/schemas/schema-policy.js";
import { api, onlyTool, plan } from "./plan.js";

/** Documents in the styles of public ones, small. */
const FOLDER = join(import.meta.dirname, "documents");

async function planFile(
  name: string,
  ...rest: Parameters<typeof plan> extends [Json, ...infer Rest] ? Rest : never
): Promise<HttpToolset> {
  return plan(await readDocument(readFileSync(join(FOLDER, name)), name), ...rest);
}

/** Tools with what they send, and what is left out with the reason. */
const summary = ({ tools, skipped }: HttpToolset) => ({
  tools: tools.map(({ name, plan: { method, path }, idempotent, result, schemes }) =>
    [name, method, path, idempotent ? "again" : "once", result === undefined ? "-" : "result", schemes.join("+")]
      .join(" ")
      .trim(),
  ),
  skipped: skipped.map(({ name, part, why }) => `${name} ${part}: ${why}`),
});

describe("documents in the style of", () => {
  test("every example's pet shop", async () => {
    const toolset = await planFile("petstore.yaml", {}, { pet_auth: "env:TOKEN" });
    expect(summary(toolset)).toEqual({
      tools: [
        "updatePet PUT /pet again result pet_auth",
        "findPetsByStatus GET /pet/findByStatus again result pet_auth",
        "deletePet DELETE /pet/{petId} again - pet_auth",
      ],
      skipped: [
        "uploadFile tool: it needs a credential: --auth api_key=env:NAME",
        "placeOrder tool: its body is application/xml; made can be JSON, forms, text and plain bytes",
      ],
    });
    expect(toolset.tools[0]?.payload).toMatchObject({
      required: ["body"],
      properties: { body: { $ref: "#/$defs/Pet" } },
      $defs: { Pet: { required: ["name", "photoUrls"] }, Category: { properties: { id: { examples: [1] } } } },
    });
    const uploads = await planFile("petstore.yaml", { only: ["tag:pet"] }, { api_key: "env:KEY" });
    expect(uploads.tools.find(({ name }) => name === "uploadFile")?.payload).toMatchObject({
      properties: { petId: { type: "integer" }, body: { type: "string", contentEncoding: "base64" } },
    });
  });

  test("payments", async () => {
    const toolset = await planFile("payments.yaml", { idempotent: ["PostCharges"] }, { bearerAuth: "env:TOKEN" });
    expect(summary(toolset)).toEqual({
      tools: [
        "GetCharges GET /v1/charges again result bearerAuth",
        "PostCharges POST /v1/charges again result bearerAuth",
      ],
      skipped: [],
    });
    expect(toolset.version).toBe("2024.6.20");
    expect(toolset.tools[0]?.result).toMatchObject({
      $defs: {
        charge: {
          properties: { customer: { anyOf: [{ anyOf: [{}, { $ref: "#/$defs/customer" }] }, { type: "null" }] } },
        },
        customer: {
          properties: { default_charge: { anyOf: [{ anyOf: [{}, { $ref: "#/$defs/charge" }] }, { type: "null" }] } },
        },
      },
    });
  });

  test("a host of code", async () => {
    const toolset = await planFile("code-host.json");
    expect(summary(toolset)).toEqual({
      tools: [
        "repos_get-content GET /repos/{owner}/{repo}/contents/{path} again -",
        "repos_create-or-update-file-contents PUT /repos/{owner}/{repo}/contents/{path} again result",
        "activity_star-repo PUT /user/starred/{owner}/{repo} again result",
        "markdown_render-raw POST /markdown/raw once -",
      ],
      skipped: [],
    });
    const [read, write, star, render] = toolset.tools;
    expect(read?.payload).toMatchObject({ required: ["owner", "repo", "path"] });
    expect(write?.result).toMatchObject({ anyOf: [{ $ref: "#/$defs/entry" }, { $ref: "#/$defs/entry" }] });
    expect(star?.result).toEqual({ type: "null" });
    expect(render?.payload).toMatchObject({ properties: { body: { type: "string" } } });
    expect(read?.plan.accept).toBe("application/json, application/vnd.code.object;q=0.8, */*;q=0.1");
  });

  test("a provider of models", async () => {
    const toolset = await planFile("chat-models.yaml", {}, { ApiKeyAuth: "env:KEY" });
    expect(summary(toolset)).toEqual({
      tools: [
        "createChatCompletion POST /chat/completions once - ApiKeyAuth",
        "createTranscription POST /audio/transcriptions once result ApiKeyAuth",
        "downloadFile GET /files/{file_id}/content again - ApiKeyAuth",
      ],
      skipped: [],
    });
    expect(toolset.target.origin).toBe("https://api.models.example");
    expect(toolset.tools[1]?.payload).toMatchObject({
      properties: { body: { description: "Written as base64: file." } },
    });
    expect(toolset.tools[1]?.plan.body).toMatchObject({ form: "multipart", files: new Set(["file"]) });
  });

  test("a cluster's administration", async () => {
    await expect(planFile("cluster-admin.json")).rejects.toThrow("names no server. Name it with --server");
    const toolset = await planFile("cluster-admin.json", { server: "https://cluster.example" });
    expect(summary(toolset)).toEqual({
      tools: [
        "listCoreV1NamespacedPod GET /api/v1/namespaces/{namespace}/pods again -",
        "createCoreV1NamespacedPod POST /api/v1/namespaces/{namespace}/pods once -",
        "patchCoreV1NamespacedPod PATCH /api/v1/namespaces/{namespace}/pods/{name} once result",
        "connectOptionsProxy OPTIONS /api/v1/namespaces/{namespace}/pods/{name}/proxy/{path} again -",
      ],
      skipped: [],
    });
    expect(toolset.tools[2]?.plan.body?.mediaType).toBe("application/json-patch+json");
    expect(toolset.tools[2]?.result).toMatchObject({
      $defs: { JSONSchemaProps: { properties: { $ref: { type: "string" } } } },
    });
  });

  test("a public agency", async () => {
    const toolset = await planFile("weather.yaml");
    expect(summary(toolset)).toEqual({
      tools: [
        "alerts_active_zone GET /alerts/active/zone/{zoneId} again result",
        "point GET /points/{latitude},{longitude} again result",
        "icons GET /icons again -",
        "again GET /again/{zoneId} again result",
      ],
      skipped: [],
    });
    expect(toolset.tools[0]).toMatchObject({
      description: "Deprecated. Returns active alerts for the given zone",
      meta: { openapi: { deprecated: true } },
    });
  });

  test("an operator of names", async () => {
    const toolset = await planFile("dns-host.yaml", {}, { api_email: "env:KEY", api_key: "env:TOKEN" });
    expect(summary(toolset)).toEqual({
      tools: [
        "dns-records-for-a-zone-create-dns-record POST /zones/{zone_id}/dns_records once result api_email+api_key",
        "import_records POST /zones/{zone_id}/import once result api_email+api_key",
        "zone GET /zones/{id} again - api_email+api_key",
      ],
      skipped: [
        "import_records tool: POST /zones/import has the name of POST /zones/{zone_id}/import, which comes first",
      ],
    });
    const [create, , zone] = toolset.tools;
    expect(create?.payload).toMatchObject({ $defs: { record: { required: ["name", "ttl"] } } });
    expect(create?.payload).toMatchObject({
      $defs: { record: { properties: { ttl: { anyOf: [{ exclusiveMinimum: 30 }, {}] } } } },
    });
    expect(create?.result).toMatchObject({ $defs: { record: { required: ["id", "name", "ttl"] } } });
    expect(zone?.payload).toMatchObject({
      properties: { id: {}, query_id: {}, body: { type: "boolean" } },
      required: ["id"],
    });
  });

  test("generators in a hurry: what cannot be is left out, with its place", async () => {
    const toolset = await planFile("legacy-crm.yaml");
    expect(summary(toolset)).toEqual({
      tools: [
        "get_customers_customerId_notes GET /customers/{customerId}/notes again result",
        "invoices GET /invoices again -",
        "odd GET /odd/{../x} again -",
        "cyclic POST /cyclic once -",
      ],
      skipped: [
        "get_customers_active_true tool: its path has a query or a fragment, which belong into parameters",
        "post_customers tool: /paths/~1customers/post/requestBody/content/application~1json/schema refers to customer.yaml#/Customer, which is another document: bundle them into one first",
        "get_orders tool: /paths/~1orders/get/parameters/0 refers to #/components/parameters/none, which the document does not have",
        "get_remote tool: /paths/~1remote/get/parameters/0/schema refers to https://crm.example.com/schemas/q.json, which is another document: bundle them into one first",
        "invoices result_schema: /paths/~1invoices/get/responses/200/content/application~1json/schema refers to #/components/schemas/Gone, which the document does not have",
        "relative tool: its path does not begin with a slash",
      ],
    });
    expect(toolset).toMatchObject({ version: "1.0.0", title: "CRM" });
    expect(toolset.tools[0]?.payload).toMatchObject({
      properties: { customerId: { type: "string" } },
      required: ["customerId"],
    });
  });

  test("devices at home", async () => {
    const toolset = await planFile("home-devices.json");
    expect(summary(toolset)).toEqual({
      tools: [
        "read_state_states_entity_id_get GET /states/{entity_id} again result",
        "set_state_states_entity_id_post POST /states/{entity_id} once -",
        "upload POST /upload once result",
        "stream GET /stream again -",
      ],
      skipped: [],
    });
    expect(toolset.version).toBe("0.9.0-beta.1");
    expect(toolset.tools[2]?.plan.body?.files).toEqual(new Set(["files"]));
    expect(toolset.tools[3]?.plan.parameters.map(({ name, style }) => [name, style])).toEqual([
      ["filter", "json"],
      ["session", "form"],
    ]);
  });

  test("a search engine", async () => {
    const toolset = await planFile("search-engine.yaml", { once: ["POST /{index}/*"] });
    expect(summary(toolset)).toEqual({
      tools: [
        "search GET /{index}/_search again result",
        "search-1 POST /{index}/_search once result",
        "indices-exists HEAD /{index} again -",
      ],
      skipped: ["bulk tool: its body is application/x-ndjson; made can be JSON, forms, text and plain bytes"],
    });
  });

  test("all of them have schemas that a registry takes, but for the one that is none", async () => {
    const secrets = { pet_auth: "env:KEY", basicAuth: "env:LOGIN", ApiKeyAuth: "env:KEY", api_token: "env:KEY" };
    const refused: string[] = [];
    for (const file of readdirSync(FOLDER)) {
      const document = await readDocument(readFileSync(join(FOLDER, file)), file);
      const known = Object.keys(
        (document as { components: { securitySchemes?: object } }).components.securitySchemes ?? {},
      );
      const auth = Object.fromEntries(Object.entries(secrets).filter(([name]) => known.includes(name)));
      const { tools } = plan(document, { server: "https://api.example.com" }, auth);
      for (const { name, payload, result } of tools) {
        const schemas = result === undefined ? [payload] : [payload, result];
        if (schemas.some((schema) => checkSchemaPolicy(schema).kind === "refused")) refused.push(`${file} ${name}`);
      }
    }
    expect(refused).toEqual(["legacy-crm.yaml cyclic"]);
  });
});

describe("the tools of a document", () => {
  test("have names that tools may have, whatever their operations are called", () => {
    const nameOf = (operationId: string | undefined, path = "/a/{b}.json"): string =>
      onlyTool(api({ [path]: { get: operationId === undefined ? {} : { operationId } } })).name;
    expect([
      nameOf("users/list all"),
      nameOf("__x__"),
      nameOf("名前"),
      nameOf(undefined),
      nameOf("a".repeat(300)),
    ]).toEqual(["users_list_all", "x", "get_a_b_.json", "get_a_b_.json", "a".repeat(128)]);
  });

  test.each<[string, Json, Json | undefined]>([
    ["of an answer without content is null", { 204: {} }, { type: "null" }],
    ["of an answer to reset a form is null", { 205: { description: "Reset." } }, { type: "null" }],
    [
      "of an answer that has no content whatever is listed is null",
      { 204: { content: { "*/*": {} } } },
      { type: "null" },
    ],
    ["of an answer whose content is not said is anything", { 200: { description: "Fine." } }, undefined],
    ["of any success whose content is not said is anything", { "2XX": { content: {} } }, undefined],
    [
      "of which one answer is not said is anything",
      { 200: { content: { "application/json": { schema: { type: "object" } } } }, 201: {} },
      undefined,
    ],
    [
      "of JSON or nothing is either",
      { 200: { content: { "application/json": { schema: { type: "object" } } } }, 204: {} },
      { anyOf: [{ type: "object" }, { type: "null" }] },
    ],
  ])("whose result is that %s", (_name, responses, result) => {
    expect(onlyTool(api({ "/a": { post: { operationId: "a", responses } } })).result).toEqual(result);
  });

  test("are chosen by name, method and path, or tag", () => {
    const paths = {
      "/a": { get: { operationId: "getA", tags: ["one"] }, post: { operationId: "postA", tags: ["two"] } },
      "/a/{b}": { get: { operationId: "getB", tags: ["one", "two"] } },
    };
    const chosen = (choice: Parameters<typeof plan>[1]): string[] =>
      plan(api(paths), choice).tools.map(({ name }) => name);
    expect(chosen({ only: ["GET *"] })).toEqual(["getA", "getB"]);
    expect(chosen({ only: ["* /a/*"] })).toEqual(["getB"]);
    expect(chosen({ only: ["tag:two"], skip: ["post*"] })).toEqual(["getB"]);
    expect(chosen({ skip: ["tag:one"] })).toEqual(["postA"]);
  });

  test("that are too much for one toolset lose result schemas, the largest first; then it is refused", () => {
    const large = (bytes: number): Json => ({ description: "x".repeat(bytes) });
    const operation = (id: number, result: number): Json => ({
      get: {
        operationId: `op${id}`,
        responses: { 200: { content: { "application/json": { schema: large(result) } } } },
      },
    });
    const paths = Object.fromEntries(
      Array.from({ length: 40 }, (_, id) => [`/${id}`, operation(id, id === 7 ? 200_000 : 90_000)]),
    );
    const { tools, skipped } = plan(api(paths));
    expect(tools).toHaveLength(40);
    expect(skipped.map(({ name, part }) => [name, part])[0]).toEqual(["op7", "result_schema"]);
    expect(skipped).toHaveLength(2);
    const bodies = Object.fromEntries(
      Array.from({ length: 40 }, (_, id) => [
        `/${id}`,
        { post: { requestBody: { content: { "application/json": { schema: large(100_000) } } } } },
      ]),
    );
    expect(() => plan(api(bodies))).toThrow(/take \d+ bytes together, which no toolset has room for/);
  });

  test("with a schema that is too large for itself are left out, or lose it", () => {
    const schema = { description: "x".repeat(300_000) };
    const content = { "application/json": { schema } };
    const { tools, skipped } = plan(
      api({
        "/a": { post: { operationId: "a", requestBody: { content } } },
        "/b": { get: { operationId: "b", responses: { 200: { content } } } },
      }),
    );
    expect(tools.map(({ name }) => name)).toEqual(["b"]);
    expect(skipped).toMatchObject([
      { name: "a", part: "tool", why: expect.stringContaining("250000 bytes") },
      { name: "b", part: "result_schema", why: expect.stringContaining("250000 bytes") },
    ]);
  });

  test("have texts that a registry takes", () => {
    const tool = onlyTool(
      api({
        "/a": {
          get: {
            summary: "a\u0000\nb <img onerror=x>\ud800",
            description: "\u001b[31m".repeat(9_000),
            tags: ["x\ny", "x y", ""],
          },
        },
      }),
    );
    expect(tool.title).toBe("a b <img onerror=x>\ufffd");
    expect(Buffer.byteLength(tool.description)).toBeLessThanOrEqual(16_384);
    expect(tool.description).not.toContain("\u001b");
    expect(tool.tags).toEqual(["x y"]);
  });
});
