import type { JsonSchema, ToolAnnotations, ToolMeta } from "../../contract/contract.js";
import type { Json } from "../../json/json.js";
import { fitDescription, fitTitle, schemaFault } from "../mounted-tool.js";
import { printable } from "../server-log.js";
import type { RequestPlan } from "./build-request.js";
import { EmbeddedSchemas } from "./embedded-schemas.js";
import { essenceOf, isExactlyJson } from "./media-type.js";
import { isObject, type JsonObject, type OpenApiDocument, textOf } from "./openapi-document.js";
import { isIdempotent, isSafe, type Operation } from "./operations.js";
import { namesInPath, type ParameterPlace, parametersOf } from "./parameters.js";
import { bodyOf } from "./request-body.js";
import { placeIn, Unusable, usable } from "./unusable.js";

/** A tool that an operation became, but for its server and its credentials. */
export interface HttpTool {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly payload: JsonSchema;
  readonly result?: JsonSchema;
  readonly annotations: ToolAnnotations;
  readonly meta: ToolMeta;
  /** Whether its method may be sent again. */
  readonly idempotent: boolean;
  readonly plan: RequestPlan;
  /** Why its result schema is left out; absent where there is one, or none in the document. */
  readonly resultFault?: string;
}

const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 64;
/** Statuses whose answers have no content, whatever a document lists: RFC 9110, sections 15.3.5 and 15.3.6. */
const NO_CONTENT = new Set(["204", "205"]);

/**
 * Makes a tool of an operation.
 *
 * Its payload is an object: each parameter by its name, and the body as `body`. Its result is the answer's JSON where the document
 * says that every answer of success is JSON, with its schema, or without content by its status; of anything else there is no schema (see
 * http-answer.ts). A status alone does not say that an answer is empty: many documents leave out what theirs have.
 *
 * @param own whether a parameter is sent by the mount itself, so that it is no argument.
 * @throws Unusable
 */
export function httpToolOf(
  document: OpenApiDocument,
  operation: Operation,
  name: string,
  own: (place: ParameterPlace, name: string) => boolean,
): HttpTool {
  const { method, path, object, place, shared } = operation;
  checkPath(path);
  const schemas = new EmbeddedSchemas(document, "request");
  const body = bodyOf(document, object, place, schemas);
  const { parameters, properties } = parametersOf(document, operation, schemas, body !== undefined, own);
  const required = parameters.flatMap((parameter) => (parameter.required ? [parameter.property] : []));
  if (body?.plan.required === true) required.push("body");
  const payload = schemas.whole({
    type: "object",
    properties: { ...properties, ...(body === undefined ? {} : { body: body.schema }) },
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  });
  const fault = schemaFault("payload schema", payload as Json); // a schema is JSON
  if (fault !== undefined) throw new Unusable(fault);
  const result = resultOf(document, operation);
  const summary = textOf(object.summary) ?? textOf(shared.object.summary);
  const description = textOf(object.description) ?? summary ?? textOf(shared.object.description) ?? `${method} ${path}`;
  const isDeprecated = object.deprecated === true;
  return {
    name,
    ...(summary === undefined ? {} : { title: fitTitle(summary) }),
    description: fitDescription(isDeprecated ? `Deprecated. ${description}` : description),
    tags: tagsOf(object.tags),
    payload,
    ...(result.schema === undefined ? {} : { result: result.schema }),
    ...(result.fault === undefined ? {} : { resultFault: result.fault }),
    annotations: {
      readOnlyHint: isSafe(method),
      ...(isSafe(method) ? {} : { destructiveHint: method === "DELETE" || method === "PUT" }),
      idempotentHint: isIdempotent(method),
      openWorldHint: true,
    },
    meta: { openapi: { method, path: printable(path, 500), ...(isDeprecated ? { deprecated: true } : {}) } },
    idempotent: isIdempotent(method),
    plan: { method, path, parameters, body: body?.plan, accept: result.accept },
  };
}

/** The document's own words are a part of every request: what is odd in them is not sent. */
function checkPath(path: string): void {
  if (!path.startsWith("/")) throw new Unusable("its path does not begin with a slash");
  const literal = path.replace(/\{[^{}]+\}/g, "");
  if (/[?#]/.test(literal)) throw new Unusable("its path has a query or a fragment, which belong into parameters");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u0020\u007f\\{}]/.test(literal)) throw new Unusable("its path has characters that none has");
  if (new Set(namesInPath(path)).size !== namesInPath(path).length)
    throw new Unusable("its path names a parameter twice");
}

/** The schema of what a call results in, and what the request says that it takes. */
function resultOf(
  document: OpenApiDocument,
  { method, object, place }: Operation,
): { readonly schema?: JsonSchema; readonly fault?: string; readonly accept: string } {
  const schemas = new EmbeddedSchemas(document, "response");
  const accept = new Set<string>();
  const made = usable((): JsonSchema | undefined => {
    const parts: Json[] = [];
    let isKnown = true;
    const responses = isObject(object.responses) ? object.responses : {};
    for (const [status, item] of Object.entries(responses)) {
      if (!/^2([0-9]{2}|XX)$/i.test(status)) continue;
      const response = document.object(item, placeIn(placeIn(place, "responses"), status));
      const contents = isObject(response.value.content) ? Object.entries(response.value.content) : [];
      const isEmpty = NO_CONTENT.has(status);
      if (isEmpty) parts.push({ type: "null" });
      else if (contents.length === 0) isKnown = false;
      for (const [mediaType, content] of contents) {
        if (/^[\w.+*/-]+$/.test(essenceOf(mediaType))) accept.add(essenceOf(mediaType));
        if (isEmpty) continue;
        const schema = isObject(content) ? content.schema : undefined;
        // Of what is not JSON the result has a form of its own.
        if (!isExactlyJson(essenceOf(mediaType)) || schema === undefined) isKnown = false;
        else parts.push(schemas.part(schema, inContent(response.place, mediaType)));
      }
    }
    if (!isKnown || parts.length === 0 || method === "HEAD") return undefined;
    const [only] = parts;
    const whole = parts.length === 1 && only !== undefined ? only : { anyOf: parts };
    return schemas.whole(whole as JsonObject | boolean); // parts are schemas
  });
  const accepted = acceptOf([...accept]);
  if (made.kind === "unusable") return { fault: made.why, accept: accepted };
  if (made.value === undefined) return { accept: accepted };
  const fault = schemaFault("result schema", made.value as Json); // a schema is JSON
  return fault === undefined ? { schema: made.value, accept: accepted } : { fault, accept: accepted };
}

function inContent(place: ReturnType<typeof placeIn>, mediaType: string): ReturnType<typeof placeIn> {
  return placeIn(placeIn(placeIn(place, "content"), mediaType), "schema");
}

/** JSON first, and anything rather than nothing. */
function acceptOf(mediaTypes: readonly string[]): string {
  const json = mediaTypes.filter(isExactlyJson);
  const others = mediaTypes.filter((one) => !isExactlyJson(one) && !one.includes("*")).slice(0, 8);
  const first = json.length > 0 ? json.slice(0, 4) : others.length > 0 ? [] : ["application/json"];
  const rest = others.map((one) => (json.length > 0 ? `${one};q=0.8` : one));
  return [...first, ...rest, "*/*;q=0.1"].join(", ");
}

function tagsOf(tags: Json | undefined): string[] {
  if (!Array.isArray(tags)) return [];
  const fitting = tags.flatMap((tag: Json) => {
    const text = typeof tag === "string" ? fitTitle(tag) : "";
    return text === "" || text.length > MAX_TAG_CHARACTERS ? [] : [text];
  });
  return [...new Set(fitting)].slice(0, MAX_TAGS);
}
