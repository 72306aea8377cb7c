import { RawJson } from "../../json/raw-json.js";
import type { GetToolsetResponse } from "../../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import { openApiOf, responsesOf } from "./openapi.js";
import { CALL_TOOL } from "./routes/call-tool.js";
import { rawOf } from "./schemas/raw.js";
import { REFUSED } from "./schemas/refusals.js";

const ANY = {};

/**
 * An OpenAPI document with one operation for each tool of a toolset, so that any client of OpenAPI can call them. The tools' schemas are
 * in it as they were registered.
 *
 * @param name as the caller has it
 * @param answer those tools that the caller may see
 */
export function toolsDocument(name: string, { contract }: GetToolsetResponse): object {
  const whole = openApiOf([CALL_TOOL]) as { readonly components: object; readonly info: object };
  const { version = "", description = "", title = "" } = contract ?? {};
  const paths = Object.fromEntries(
    (contract?.tools ?? []).map((tool) => {
      const { name: called = "", description: about = "", title: heading = "" } = tool;
      const path = `/v1/toolsets/${encodeURIComponent(name)}/tools/${encodeURIComponent(called)}:call`;
      const result = { ...CALL_TOOL.answers[200], description: "The result, as the tool gave it." };
      const operation = {
        operationId: called.replace(/[^A-Za-z0-9_]/g, "_"),
        summary: heading === "" ? called : heading,
        ...(about === "" ? {} : { description: about }),
        tags: [name],
        requestBody: { required: true, content: { "application/json": { schema: schemaOf(tool.payloadSchemaJson) } } },
        responses: responsesOf(
          { ...REFUSED, 200: { ...result, schema: schemaOf(tool.resultSchemaJson) as never }, 202: ACCEPTED },
          referred,
        ),
      };
      return [path, { post: operation }];
    }),
  );
  return {
    ...whole,
    info: { ...whole.info, title: title === "" ? name : title, version, description },
    tags: [{ name }],
    paths,
  };
}

const ACCEPTED = CALL_TOOL.answers[202] ?? { description: "" };

/** What has a name is among the components already. */
function referred(schema: unknown): unknown {
  if (schema instanceof RawJson || typeof schema !== "object" || schema === null) return schema;
  const { $id } = schema as { readonly $id?: string };
  return $id === undefined ? schema : { $ref: `#/components/schemas/${$id}` };
}

function schemaOf(bytes: Uint8Array | string | undefined): unknown {
  return rawOf(bytes) ?? ANY;
}
