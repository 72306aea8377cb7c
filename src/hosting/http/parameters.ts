import type { Json } from "../../json/json.js";
import { printable } from "../server-log.js";
import type { EmbeddedSchemas } from "./embedded-schemas.js";
import { isFieldName, isOwnHeader } from "./header-fields.js";
import { isJsonType } from "./media-type.js";
import { isObject, type JsonObject, type OpenApiDocument, textOf, where } from "./openapi-document.js";
import type { Operation } from "./operations.js";
import type { Style, StyledName } from "./parameter-style.js";
import { type Place, placeIn, Unusable } from "./unusable.js";

/** Where a parameter is sent. */
export type ParameterPlace = "path" | "query" | "header" | "cookie";

/** A parameter of an operation: an argument of its tool. */
export interface HttpParameter extends StyledName {
  readonly in: ParameterPlace;
  /** The property of the payload that has its value. */
  readonly property: string;
  readonly required: boolean;
}

/** Parameters with their schemas, by the properties of the payload. */
export interface Parameters {
  readonly parameters: readonly HttpParameter[];
  readonly properties: { readonly [property: string]: Json };
}

const PLACES: readonly ParameterPlace[] = ["path", "query", "header", "cookie"];
const STYLES: Readonly<Record<ParameterPlace, readonly Style[]>> = {
  path: ["simple", "label", "matrix"],
  query: ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
  header: ["simple"],
  cookie: ["form"],
};

/**
 * The parameters of an operation. Where one name stands for several of them, or is `body` beside a body, the later ones are called
 * by their place and their name: `query_id`.
 *
 * @param own whether a parameter is sent by the mount itself, as a credential is: it is no argument then.
 * @throws Unusable
 */
export function parametersOf(
  document: OpenApiDocument,
  operation: Operation,
  schemas: EmbeddedSchemas,
  hasBody: boolean,
  own: (place: ParameterPlace, name: string) => boolean,
): Parameters {
  const parameters: HttpParameter[] = [];
  const properties = new Map<string, Json>();
  const taken = new Set(hasBody ? ["body"] : []);
  const listed = readAll(document, operation);
  for (const { object, place, name, at } of listed) {
    if (at === "header" && isOwnHeader(name)) continue;
    if (own(at, name)) continue;
    if ((at === "header" || at === "cookie") && !isFieldName(name)) {
      throw new Unusable(`${where(place)} is a ${at} whose name no ${at} can have`);
    }
    const property = freeName(taken, at, name);
    const { schema, style } = schemaOf(object, place, schemas, at);
    const explode = typeof object.explode === "boolean" ? object.explode : style === "form" || style === "deepObject";
    const required = at === "path" || object.required === true;
    parameters.push({ name, in: at, property, required, style, explode });
    properties.set(property, described(schema, object));
  }
  // Left out of the list by many a document, and all the same a part of the path.
  for (const name of namesInPath(operation.path)) {
    if (parameters.some((one) => one.in === "path" && one.name === name)) continue;
    const property = freeName(taken, "path", name);
    parameters.push({ name, in: "path", property, required: true, style: "simple", explode: false });
    properties.set(property, { type: "string" });
  }
  return { parameters, properties: Object.fromEntries(properties) };
}

/** The parameters that the template of a path names. */
export function namesInPath(path: string): string[] {
  return [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = ""]) => name);
}

interface Listed {
  readonly object: JsonObject;
  readonly place: Place;
  readonly name: string;
  readonly at: ParameterPlace;
}

/** Those of the path come first; what the operation says of the same parameter counts. */
function readAll(document: OpenApiDocument, { object, path, place, shared }: Operation): Listed[] {
  const found = new Map<string, Listed>();
  for (const [holder, within] of [
    [shared.object, shared.place],
    [object, place],
  ] as const) {
    const { parameters } = holder;
    if (parameters === undefined) continue;
    const list = placeIn(within, "parameters");
    if (!Array.isArray(parameters)) throw new Unusable(`${where(list)} is not a list`);
    for (const [index, item] of parameters.entries()) {
      const one = document.object(item as Json, placeIn(list, index));
      const { name, in: at } = one.value;
      if (typeof name !== "string" || name === "") throw new Unusable(`${where(one.place)} has no name`);
      const known = PLACES.find((candidate) => candidate === at);
      if (known === undefined)
        throw new Unusable(`${where(one.place)} is in ${printable(String(at), 40)}, where no parameter is sent`);
      found.set(`${known} ${name}`, { object: one.value, place: one.place, name, at: known });
    }
  }
  const inPath = namesInPath(path);
  return [...found.values()]
    .filter(({ at, name }) => at !== "path" || inPath.includes(name))
    .sort((a, b) => PLACES.indexOf(a.at) - PLACES.indexOf(b.at));
}

function schemaOf(
  object: JsonObject,
  place: Place,
  schemas: EmbeddedSchemas,
  at: ParameterPlace,
): { readonly schema: Json; readonly style: Style } {
  if (isObject(object.content)) {
    const [[mediaType, content] = ["", null]] = Object.entries(object.content);
    if (!isJsonType(mediaType)) {
      throw new Unusable(`${where(place)} is written as ${printable(mediaType, 80)}, which a parameter cannot be here`);
    }
    const schema = isObject(content) ? content.schema : undefined;
    const inContent = placeIn(placeIn(placeIn(place, "content"), mediaType), "schema");
    return { schema: schema === undefined ? true : schemas.part(schema, inContent), style: "json" };
  }
  const [usual = "form"] = STYLES[at];
  const { style = usual } = object;
  const known = STYLES[at].find((candidate) => candidate === style);
  if (known === undefined)
    throw new Unusable(`${where(place)} has the style ${printable(String(style), 40)}, which is none in ${at}`);
  const schema = object.schema === undefined ? true : schemas.part(object.schema, placeIn(place, "schema"));
  return { schema, style: known };
}

/** A schema with what the parameter says for people, where it says nothing itself. */
function described(schema: Json, { description, deprecated, example }: JsonObject): Json {
  if (schema === true)
    return described(
      {},
      { description: description ?? null, deprecated: deprecated ?? null, example: example ?? null },
    );
  if (!isObject(schema)) return schema;
  const text = textOf(description);
  return {
    ...schema,
    ...(schema.description === undefined && text !== undefined ? { description: text } : {}),
    ...(deprecated === true ? { deprecated: true } : {}),
    ...(schema.examples === undefined && example !== undefined && example !== null ? { examples: [example] } : {}),
  };
}

function freeName(taken: Set<string>, at: ParameterPlace, name: string): string {
  let property = name;
  // A path's parameter and a query's of one name: rarely more than one of them gets another name.
  while (taken.has(property)) property = property === name ? `${at}_${name}` : `${property}_`;
  taken.add(property);
  return property;
}
