import { randomUUID } from "node:crypto";
import { ToolFailure } from "../../index.js";
import type { Json } from "../../json/json.js";
import { printable } from "../server-log.js";
import type { EmbeddedSchemas } from "./embedded-schemas.js";
import { INVALID_ARGUMENT } from "./http-failure.js";
import { essenceOf, isJsonType } from "./media-type.js";
import { isObject, type JsonObject, type OpenApiDocument, textOf } from "./openapi-document.js";
import { type Style, type StyledName, writePairs } from "./parameter-style.js";
import { type PlainValue, plainValue, textOfValue } from "./plain-value.js";
import { type Place, placeIn, Unusable } from "./unusable.js";

/** How the argument `body` becomes the body of a request. */
export interface BodyPlan {
  /** The media type, as the document has it. */
  readonly mediaType: string;
  readonly required: boolean;
  /** `json`: its bytes; `form` and `multipart`: an object's members; `text`: a text; `base64`: bytes that are written as base64. */
  readonly form: "json" | "form" | "multipart" | "text" | "base64";
  /** Of a form: how members are written that are not written as usual. */
  readonly styles: ReadonlyMap<string, Pick<StyledName, "style" | "explode">>;
  /** Of a multipart form: the media types of parts that have one. */
  readonly partTypes: ReadonlyMap<string, string>;
  /** Of a multipart form: the members that are files, written as base64. */
  readonly files: ReadonlySet<string>;
}

/** A body that is ready to be sent. */
export interface SentBody {
  readonly contentType: string;
  readonly bytes: Buffer;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const FORM_STYLES: readonly Style[] = ["form", "spaceDelimited", "pipeDelimited", "deepObject"];
/** In which order media types are chosen, where there are several. */
const PREFERENCE: readonly BodyPlan["form"][] = ["json", "form", "multipart", "text", "base64"];

/**
 * How an operation's body is made, with its schema; undefined where it has none.
 *
 * @throws Unusable when there is none of its media types that can be made of an argument
 */
export function bodyOf(
  document: OpenApiDocument,
  operation: JsonObject,
  place: Place,
  schemas: EmbeddedSchemas,
): { readonly plan: BodyPlan; readonly schema: Json } | undefined {
  if (operation.requestBody === undefined || operation.requestBody === null) return undefined;
  const { value: body, place: bodyPlace } = document.object(operation.requestBody, placeIn(place, "requestBody"));
  const contents = isObject(body.content) ? Object.entries(body.content) : [];
  if (contents.length === 0) return undefined;
  const known = contents
    .flatMap(([mediaType, content]) => {
      const form = formOf(mediaType);
      return form === undefined ? [] : [{ mediaType, content, form }];
    })
    .sort((a, b) => PREFERENCE.indexOf(a.form) - PREFERENCE.indexOf(b.form));
  const [chosen] = known;
  if (chosen === undefined) {
    const types = contents.map(([mediaType]) => printable(mediaType, 60)).join(", ");
    throw new Unusable(`its body is ${types}; made can be JSON, forms, text and plain bytes`);
  }
  const { mediaType, form } = chosen;
  const content = isObject(chosen.content) ? chosen.content : {};
  const at = placeIn(placeIn(bodyPlace, "content"), mediaType);
  const schemaPlace = placeIn(at, "schema");
  const members =
    form === "multipart" || form === "form" ? propertiesOf(document, content.schema ?? null, schemaPlace) : {};
  const files = new Set(
    form === "multipart"
      ? Object.keys(members).filter((name) => isBinary(document, members[name] ?? null, schemaPlace))
      : [],
  );
  const encodings = isObject(content.encoding) ? content.encoding : {};
  const plan: BodyPlan = {
    mediaType: form === "json" && mediaType.includes("*") ? "application/json" : mediaType,
    required: body.required === true,
    form,
    styles: stylesOf(encodings),
    partTypes: partTypesOf(encodings),
    files,
  };
  return { plan, schema: describe(schemaOf(form, content.schema, schemaPlace, schemas), body, files) };
}

/**
 * Makes a body of an argument.
 *
 * @param json the argument's bytes, which are the body where that is JSON.
 * @throws ToolFailure HTTP_INVALID_ARGUMENT
 */
export function makeBody(plan: BodyPlan, json: Buffer): SentBody {
  switch (plan.form) {
    case "json":
      return { contentType: plan.mediaType, bytes: json };
    case "text":
      return { contentType: withCharset(plan.mediaType), bytes: Buffer.from(textOfValue(plainValue(json))) };
    case "base64":
      return {
        contentType: plan.mediaType.includes("*") ? "application/octet-stream" : plan.mediaType,
        bytes: fromBase64(textOfValue(plainValue(json)), "/body"),
      };
    case "form":
      return { contentType: plan.mediaType, bytes: Buffer.from(writeForm(plan, plainValue(json))) };
    case "multipart":
      return writeMultipart(plan, plainValue(json));
    default:
      return plan.form satisfies never;
  }
}

function formOf(mediaType: string): BodyPlan["form"] | undefined {
  if (isJsonType(mediaType)) return "json";
  const essence = essenceOf(mediaType);
  if (essence === "application/x-www-form-urlencoded") return "form";
  if (essence === "multipart/form-data") return "multipart";
  if (essence === "text/plain" || essence === "text/markdown" || essence === "text/csv" || essence === "text/html")
    return "text";
  return essence === "application/octet-stream" || /^(image|audio|video)\/[a-z0-9.*+-]+$/.test(essence)
    ? "base64"
    : undefined;
}

function schemaOf(form: BodyPlan["form"], schema: Json | undefined, place: Place, schemas: EmbeddedSchemas): Json {
  switch (form) {
    case "text":
      return { type: "string" };
    case "base64":
      return { type: "string", contentEncoding: "base64" };
    case "form":
    case "multipart": {
      // Whatever the document says, a form is made of an object.
      const written = schema === undefined ? {} : schemas.part(schema, place);
      return { allOf: [{ type: "object" }, written] };
    }
    default:
      return schema === undefined ? true : schemas.part(schema, place);
  }
}

function describe(schema: Json, body: JsonObject, files: ReadonlySet<string>): Json {
  const encoded =
    files.size === 0 ? "" : `Written as base64: ${[...files].map((name) => printable(name, 64)).join(", ")}.`;
  const text = [textOf(body.description), encoded].filter((part) => part !== undefined && part !== "").join(" ");
  if (text === "") return schema;
  if (schema === true) return { description: text };
  return isObject(schema) && schema.description === undefined ? { ...schema, description: text } : schema;
}

/** The properties of a form, as far as they can be seen: those of the schema itself, and of what it consists of. */
function propertiesOf(document: OpenApiDocument, schema: Json, place: Place, depth = 0): JsonObject {
  if (!isObject(schema) || depth > 8) return {};
  const { value } = document.object(schema, place);
  const parts = Array.isArray(value.allOf) ? value.allOf : [];
  const inherited = parts.map((part: Json) => propertiesOf(document, part, place, depth + 1));
  return Object.assign({}, ...inherited, isObject(value.properties) ? value.properties : {}) as JsonObject;
}

function isBinary(document: OpenApiDocument, schema: Json, place: Place): boolean {
  if (!isObject(schema)) return false;
  const { value } = document.object(schema, place);
  if (isObject(value.items)) return isBinary(document, value.items, place);
  const { format, contentEncoding, contentMediaType } = value;
  return (
    format === "binary" || contentEncoding === "base64" || (contentMediaType !== undefined && value.type === undefined)
  );
}

function stylesOf(encodings: JsonObject): Map<string, Pick<StyledName, "style" | "explode">> {
  const styles = new Map<string, Pick<StyledName, "style" | "explode">>();
  for (const [name, encoding] of Object.entries(encodings)) {
    if (!isObject(encoding)) continue;
    const style = FORM_STYLES.find((one) => one === encoding.style);
    if (style === undefined && typeof encoding.explode !== "boolean") continue;
    const explode =
      typeof encoding.explode === "boolean" ? encoding.explode : style === "form" || style === "deepObject";
    styles.set(name, { style: style ?? "form", explode });
  }
  return styles;
}

function partTypesOf(encodings: JsonObject): Map<string, string> {
  return new Map(
    Object.entries(encodings).flatMap(([name, encoding]): [string, string][] => {
      const [first = ""] =
        isObject(encoding) && typeof encoding.contentType === "string" ? encoding.contentType.split(",") : [];
      return /^[\w.+-]+\/[\w.+-]+$/.test(first.trim()) ? [[name, first.trim()]] : [];
    }),
  );
}

function writeForm({ styles }: BodyPlan, value: PlainValue): string {
  return membersOf(value)
    .flatMap(([name, member]) => {
      const style = styles.get(name);
      // An object that nothing is said of is written as JSON: OpenAPI 3.1, 4.8.15.
      const usual =
        member.kind === "object"
          ? ({ style: "json", explode: false } as const)
          : ({ style: "form", explode: true } as const);
      return writePairs({ name, ...(style ?? usual) }, member);
    })
    .join("&");
}

function writeMultipart(plan: BodyPlan, value: PlainValue): SentBody {
  const boundary = `toolgate-${randomUUID()}`;
  const parts: Buffer[] = [];
  for (const [name, member] of membersOf(value)) {
    if (member.kind === "null") continue;
    for (const item of member.kind === "array" ? member.items : [member]) {
      parts.push(...writePart(plan, boundary, name, item));
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes: Buffer.concat(parts) };
}

function writePart({ files, partTypes }: BodyPlan, boundary: string, name: string, item: PlainValue): Buffer[] {
  const isFile = files.has(name);
  const nests = item.kind === "array" || item.kind === "object";
  const type = partTypes.get(name) ?? (isFile ? "application/octet-stream" : nests ? "application/json" : undefined);
  const quoted = `"${quotable(name)}"`;
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name=${quoted}${isFile ? `; filename=${quoted}` : ""}`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    "",
    "",
  ];
  const text = textOfValue(item);
  return [
    Buffer.from(head.join("\r\n")),
    isFile ? fromBase64(text, `/body/${name}`) : Buffer.from(text),
    Buffer.from("\r\n"),
  ];
}

/** A name between quotes, as browsers write it: https://html.spec.whatwg.org/#multipart-form-data. */
function quotable(name: string): string {
  return name.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}

function membersOf(value: PlainValue): readonly (readonly [string, PlainValue])[] {
  if (value.kind === "object") return value.members;
  throw new ToolFailure(INVALID_ARGUMENT, "/body must be an object, since a form is made of it.");
}

function fromBase64(text: string, place: string): Buffer {
  const clean = text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  // Four characters make three bytes, so that one alone makes none.
  if (!BASE64.test(clean) || clean.replace(/=+$/, "").length % 4 === 1)
    throw new ToolFailure(INVALID_ARGUMENT, `${place} must be base64.`);
  return Buffer.from(clean, "base64");
}

function withCharset(mediaType: string): string {
  return /;\s*charset=/i.test(mediaType) ? mediaType : `${mediaType}; charset=utf-8`;
}
