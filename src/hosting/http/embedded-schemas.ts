import type { JsonSchema } from "../../contract/contract.js";
import type { Json } from "../../json/json.js";
import { wholeJson } from "../../json/lone-surrogates.js";
import { printable } from "../server-log.js";
import { isObject, type JsonObject, type OpenApiDocument, where } from "./openapi-document.js";
import { type Place, placeIn, stepsTo, Unusable } from "./unusable.js";

/** Whose schemas they are: what is `readOnly` is not demanded of requests, and what is `writeOnly` not of responses. */
export type Direction = "request" | "response";

/** The most schemas that one tool's may consist of. */
const MAX_SCHEMAS = 20_000;
/** How deep one may nest, without what it refers to. */
const MAX_DEPTH = 60;

const SINGLE = new Set([
  "items",
  "additionalProperties",
  "not",
  "contains",
  "propertyNames",
  "if",
  "then",
  "else",
  "unevaluatedItems",
  "unevaluatedProperties",
  "contentSchema",
]);
const LISTS = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const MAPS = new Set(["properties", "patternProperties", "dependentSchemas"]);
/** What OpenAPI adds to JSON Schema, and what is written anew in another form. Definitions are embedded where they are referred to. */
const DROPPED = new Set([
  "$schema",
  "$comment",
  "id",
  "$defs",
  "definitions",
  "discriminator",
  "xml",
  "externalDocs",
  "example",
  "nullable",
  "readOnly",
  "writeOnly",
]);
/** What would change what the references below mean. */
const ANCHORS = ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"] as const;
const DRAFT_2020 = /^https?:\/\/(json-schema\.org\/draft\/2020-12\/schema|spec\.openapis\.org\/oas\/3\.1\/.*)$/;

/**
 * Schemas of a document, as parts of one schema that stands for itself, in draft 2020-12. What they refer to becomes a definition of
 * it, once, so that circles stay what they are.
 *
 * Schemas of OpenAPI 3.0 are written in a dialect of their own (https://spec.openapis.org/oas/v3.0.4.html#schema-object): `nullable`
 * becomes a type or an alternative, a boolean `exclusiveMinimum` or `exclusiveMaximum` the number, `example` one of `examples`; beside
 * a `$ref` nothing counts.
 */
export class EmbeddedSchemas {
  readonly #document: OpenApiDocument;
  readonly #direction: Direction;
  /** The names of definitions, by what they define. */
  readonly #names = new Map<Json, string>();
  readonly #definitions = new Map<string, Json>();
  readonly #taken = new Set<string>();
  /** Definitions that are still to be written. */
  readonly #due: { readonly name: string; readonly schema: Json; readonly place: Place }[] = [];
  #schemas = 0;

  constructor(document: OpenApiDocument, direction: Direction) {
    this.#document = document;
    this.#direction = direction;
  }

  /**
   * A schema, to stand anywhere in the whole.
   *
   * @throws Unusable
   */
  part(schema: Json, place: Place): Json {
    return this.#convert(schema, place, 0);
  }

  /**
   * The whole: a schema whose parts were made here, with what they refer to.
   *
   * @throws Unusable
   */
  whole(schema: JsonObject | boolean): JsonSchema {
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      this.#definitions.set(next.name, this.#convert(next.schema, next.place, 0));
    }
    if (typeof schema === "boolean") return schema;
    const definitions = Object.fromEntries(this.#definitions);
    const whole = this.#definitions.size === 0 ? schema : { ...schema, $defs: definitions };
    return wholeJson(whole) as JsonObject; // an object stays one
  }

  #convert(schema: Json, place: Place, depth: number): Json {
    this.#schemas += 1;
    if (this.#schemas > MAX_SCHEMAS) throw new Unusable(`its schemas consist of more than ${MAX_SCHEMAS}`);
    if (depth > MAX_DEPTH) throw new Unusable(`${where(place)} nests more than ${MAX_DEPTH} levels`);
    if (typeof schema === "boolean") return schema;
    if (!isObject(schema)) throw new Unusable(`${where(place)} is no schema`);
    this.#checkAnchors(schema, place);
    if (typeof schema.$ref === "string") {
      const $ref = this.#define(schema.$ref, place);
      // In 3.0 what stands beside a reference does not count; what says nothing about values may stay.
      const beside = this.#document.version === "3.0" ? pickTexts(schema) : this.#keywords(schema, place, depth);
      return nullableOr({ ...beside, $ref }, this.#document.version === "3.1" && schema.nullable === true);
    }
    return this.#convertOwn(schema, place, depth);
  }

  #convertOwn(schema: JsonObject, place: Place, depth: number): Json {
    const converted = this.#keywords(schema, place, depth);
    if (schema.nullable !== true) return converted;
    const { type, enum: values } = converted;
    if (type === undefined) return nullableOr(converted, true);
    return {
      ...converted,
      type: [...(Array.isArray(type) ? type : [type]), "null"].filter((one, index, all) => all.indexOf(one) === index),
      ...(Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {}),
    };
  }

  /** The keywords of a schema but for its `$ref`. */
  #keywords(schema: JsonObject, place: Place, depth: number): { [key: string]: Json } {
    const converted: { [key: string]: Json } = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === "$ref" || DROPPED.has(keyword) || keyword.startsWith("x-")) continue;
      const at = placeIn(place, keyword);
      if (SINGLE.has(keyword)) converted[keyword] = this.#convert(value, at, depth + 1);
      else if (LISTS.has(keyword)) converted[keyword] = this.#list(value, at, depth);
      else if (MAPS.has(keyword)) converted[keyword] = this.#map(value, at, depth);
      else converted[keyword] = value;
    }
    this.#exclusive(converted, "exclusiveMinimum", "minimum");
    this.#exclusive(converted, "exclusiveMaximum", "maximum");
    if (schema.example !== undefined && converted.examples === undefined) converted.examples = [schema.example];
    this.#required(converted, schema, place);
    return converted;
  }

  #list(value: Json, place: Place, depth: number): Json {
    if (!Array.isArray(value)) throw new Unusable(`${where(place)} is not a list of schemas`);
    return value.map((item: Json, index) => this.#convert(item, placeIn(place, index), depth + 1));
  }

  #map(value: Json, place: Place, depth: number): Json {
    if (!isObject(value)) throw new Unusable(`${where(place)} is not a map of schemas`);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.#convert(item, placeIn(place, key), depth + 1)]),
    );
  }

  /** Before draft 6 such a keyword only said whether its neighbour itself is excluded. */
  #exclusive(converted: { [key: string]: Json }, keyword: string, neighbour: string): void {
    const flag = converted[keyword];
    if (typeof flag !== "boolean") return;
    delete converted[keyword];
    const limit = converted[neighbour];
    if (!flag || limit === undefined) return;
    delete converted[neighbour];
    converted[keyword] = limit;
  }

  #required(converted: { [key: string]: Json }, schema: JsonObject, place: Place): void {
    const { required } = converted;
    if (required === undefined) return;
    if (!Array.isArray(required)) {
      delete converted.required; // `required: true` of a property, as older drafts had it
      return;
    }
    const keyword = this.#direction === "request" ? "readOnly" : "writeOnly";
    const properties = isObject(schema.properties) ? schema.properties : {};
    const left = required.filter((name: Json) => {
      if (typeof name !== "string" || !Object.hasOwn(properties, name)) return true;
      const property = properties[name];
      if (!isObject(property)) return true;
      if (property[keyword] === true) return false;
      if (typeof property.$ref !== "string") return true;
      const { value } = this.#document.target(property.$ref, placeIn(placeIn(place, "properties"), name));
      return !(isObject(value) && value[keyword] === true);
    });
    if (left.length === 0) delete converted.required;
    else converted.required = left;
  }

  #checkAnchors(schema: JsonObject, place: Place): void {
    const anchor = ANCHORS.find((keyword) => typeof schema[keyword] === "string" || schema[keyword] === true);
    if (anchor !== undefined)
      throw new Unusable(`${where(placeIn(place, anchor))} changes what references mean, which is not followed`);
    const { $schema } = schema;
    if ($schema === undefined || (typeof $schema === "string" && DRAFT_2020.test($schema))) return;
    throw new Unusable(`${where(placeIn(place, "$schema"))} names another draft than 2020-12`);
  }

  /** The reference to the definition that a target becomes. */
  #define(ref: string, place: Place): string {
    const target = this.#document.target(ref, place);
    let name = this.#names.get(target.value);
    if (name === undefined) {
      name = this.#freeName(stepsTo(target.place).at(-1) ?? "");
      // What is no object cannot be told from an equal one; each is a definition of its own.
      if (isObject(target.value)) this.#names.set(target.value, name);
      this.#due.push({ name, schema: target.value, place: target.place });
    }
    return `#/$defs/${name}`;
  }

  #freeName(wanted: string): string {
    const base =
      printable(wanted, 200)
        .replace(/[^A-Za-z0-9_.-]+/g, "_")
        .slice(0, 64) || "schema";
    let name = base;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${base}_${number}`;
    this.#taken.add(name);
    return name;
  }
}

/** What people read of a schema. */
function pickTexts({ description, title }: JsonObject): { [key: string]: Json } {
  return {
    ...(typeof title === "string" ? { title } : {}),
    ...(typeof description === "string" ? { description } : {}),
  };
}

function nullableOr(schema: JsonObject, isNullable: boolean): Json {
  return isNullable ? { anyOf: [schema, { type: "null" }] } : schema;
}
