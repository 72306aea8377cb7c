import { forEachInSlices } from "../../async/for-each-in-slices.js";
import { RawJson } from "../../json/raw-json.js";
import type { GetToolsetResponse } from "../../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import { ComponentSchemas } from "./component-schemas.js";
import { openApiOf, requestBody, responsesOf } from "./openapi.js";
import { CALL_TOOL } from "./routes/call-tool.js";
import { rawOf } from "./schemas/raw.js";
import { REFUSED } from "./schemas/refusals.js";
import { UniqueNames } from "./unique-names.js";

const ANY = {};

/**
 * An OpenAPI document with one operation for each tool of a toolset, so that any client of OpenAPI can call them. The tools' schemas are
 * in it as they were registered, but for references and other drafts: see `ComponentSchemas`.
 *
 * @param name as the caller has it
 * @param answer those tools that the caller may see
 */
export async function toolsDocument(name: string, { contract }: GetToolsetResponse): Promise<object> {
  const whole = openApiOf([CALL_TOOL]) as unknown as CallDocument; // as it is written there
  const { tools = [], version = "", description = "", title = "" } = contract ?? {};
  const schemas = new ComponentSchemas(Object.keys(whole.components.schemas));
  const schemaOf = (bytes: Uint8Array | string | undefined, named: string): unknown => {
    const raw = rawOf(bytes);
    return raw === undefined ? ANY : schemas.place(raw, named);
  };
  const operationIds = new UniqueNames();
  const paths: Record<string, object> = {};
  await forEachInSlices(
    tools ?? [],
    () => performance.now(),
    (tool) => {
      const { name: called = "", description: about = "", title: heading = "" } = tool;
      const path = `/v1/toolsets/${encodeURIComponent(name)}/tools/${encodeURIComponent(called)}:call`;
      const operationId = operationIds.take(called.replace(/[^A-Za-z0-9_]/g, "_"));
      const payload = schemaOf(tool.payloadSchemaJson, `${operationId}_payload`);
      const result = schemaOf(tool.resultSchemaJson, `${operationId}_result`);
      const operation = {
        operationId,
        summary: heading === "" ? called : heading,
        ...(about === "" ? {} : { description: about }),
        tags: [name],
        requestBody: requestBody(payload, true),
        responses: responsesOf(
          {
            ...REFUSED,
            200: { ...CALL_TOOL.answers[200], description: RESULT, schema: result as never },
            202: ACCEPTED,
          },
          referred,
        ),
      };
      paths[path] = { post: operation };
    },
  );
  return {
    ...whole,
    info: { ...whole.info, title: title === "" ? name : title, version, description },
    tags: [{ name }],
    paths,
    components: { ...whole.components, schemas: { ...whole.components.schemas, ...schemas.components } },
  };
}

interface CallDocument {
  readonly info: object;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const RESULT = "The result, as the tool gave it.";
const ACCEPTED = CALL_TOOL.answers[202] ?? { description: "" };

/** What has a name is among the components already. */
function referred(schema: unknown): unknown {
  if (schema instanceof RawJson || typeof schema !== "object" || schema === null) return schema;
  const { $id } = schema as { readonly $id?: string };
  return $id === undefined ? schema : { $ref: `#/components/schemas/${$id}` };
}
