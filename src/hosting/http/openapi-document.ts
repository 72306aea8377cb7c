import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Json } from "../../json/json.js";
import { pointerOf } from "../../json/pointer.js";
import { printable } from "../server-log.js";
import { type Place, placeIn, stepsTo, Unusable } from "./unusable.js";

/** An object of a document. */
export type JsonObject = { readonly [key: string]: Json };

/** A part of a document, and where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

/** How many references may follow one another until something else comes. */
const MAX_CHAIN = 16;
/** What documents of 3.1 may name as their schemas' dialect: draft 2020-12, and OpenAPI's own with its annotations. */
const DIALECTS =
  /^https:\/\/(json-schema\.org\/draft\/2020-12\/schema|spec\.openapis\.org\/oas\/3\.1\/(dialect|schema-base)\/[a-z0-9-]+)#?$/;

/**
 * A document of OpenAPI 3.0 or 3.1 (https://spec.openapis.org/oas/v3.1.1.html) that was read, and what its references lead to.
 * References stay within the document: nothing is fetched.
 */
export class OpenApiDocument {
  readonly root: JsonObject;
  readonly version: "3.0" | "3.1";

  /**
   * @param name of the document, for messages.
   * @throws ToolgateError INVALID_CONFIG when it is none
   */
  constructor(document: Json, name: string) {
    const fault = (why: string): ToolgateError =>
      new ToolgateError("INVALID_CONFIG", `The document ${printable(name, 300)} ${why}.`);
    if (!isObject(document)) throw fault("is no OpenAPI document: it is not an object");
    if (document.swagger !== undefined) {
      throw fault("is written in Swagger 2.0; convert it to OpenAPI 3 first, for example with npx swagger2openapi");
    }
    const { openapi, jsonSchemaDialect = null } = document;
    const [, version] = typeof openapi === "string" ? (/^(3\.[01])\.[0-9]+(?:-.*)?$/.exec(openapi) ?? []) : [];
    if (version !== "3.0" && version !== "3.1") {
      throw fault('is no OpenAPI document of version 3.0 or 3.1: its "openapi" must say 3.0.x or 3.1.x');
    }
    if (jsonSchemaDialect !== null && !(typeof jsonSchemaDialect === "string" && DIALECTS.test(jsonSchemaDialect))) {
      throw fault("names a jsonSchemaDialect that is not understood; leave it out, or name draft 2020-12");
    }
    this.root = document;
    this.version = version;
  }

  /** What the document says of itself. */
  get info(): JsonObject {
    return isObject(this.root.info) ? this.root.info : {};
  }

  /** The security schemes that it has, by their names. */
  get securitySchemes(): JsonObject {
    const { components } = this.root;
    return isObject(components) && isObject(components.securitySchemes) ? components.securitySchemes : {};
  }

  /**
   * What a reference leads to.
   *
   * @param from where it stands, for the message.
   * @throws Unusable when it leaves the document, or leads nowhere
   */
  target(ref: string, from: Place): Located<Json> {
    if (!ref.startsWith("#")) {
      throw new Unusable(
        `${where(from)} refers to ${printable(ref, 200)}, which is another document: bundle them into one first`,
      );
    }
    const path = decoded(ref.slice(1));
    if (path === undefined || (path !== "" && !path.startsWith("/"))) {
      throw new Unusable(`${where(from)} refers to ${printable(ref, 200)}, which is no place in the document`);
    }
    let value: Json = this.root;
    let place: Place;
    for (const escaped of path.split("/").slice(1)) {
      const step = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) {
        throw new Unusable(`${where(from)} refers to ${printable(ref, 200)}, which the document does not have`);
      }
      value = (value as JsonObject)[step] ?? null; // an object or an array, and its own key, as just seen
      place = placeIn(place, step);
    }
    return { value, place };
  }

  /**
   * An object that may stand in its place as a reference to one.
   *
   * @throws Unusable when it is none
   */
  object(value: Json | undefined, place: Place): Located<JsonObject> {
    let at: Located<Json> = { value: value ?? null, place };
    for (let links = 0; links < MAX_CHAIN; links += 1) {
      if (!isObject(at.value)) throw new Unusable(`${where(at.place)} is not an object`);
      const { $ref } = at.value;
      if (typeof $ref !== "string") return { value: at.value, place: at.place };
      at = this.target($ref, at.place);
    }
    throw new Unusable(`${where(place)} leads from reference to reference without end`);
  }
}

/** A place, for people. */
export function where(place: Place): string {
  const steps = stepsTo(place);
  return steps.length === 0 ? "the document" : pointerOf(steps);
}

/** Whether a value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text that is there and says something. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
