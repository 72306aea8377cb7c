import type { JsonSchema } from "../contract/contract.js";
import { type Draft, draftOf, idKeyword, referencesStandAlone } from "../contract/draft.js";
import { DATA_KEYWORDS, MAP_KEYWORDS } from "../contract/schema-keywords.js";
import type { Json } from "../json/json.js";

/**
 * Bundling: a schema that refers to other documents becomes one that refers to itself only.
 *
 * What is referred to in a document becomes a definition of its own (`$defs`, or `definitions` up to draft-07), and what that
 * refers to in turn; recursion stays. Nothing is looked up here: documents are given.
 *
 * No library does this and nothing more: those that are well kept keep `$id` in what they embed, which makes every such schema
 * costly to judge, or take a reference for a path whatever `$id` says; both fetch files and addresses by themselves.
 */
export type Bundling =
  | { readonly kind: "bundled"; readonly schema: JsonSchema }
  /** No document has this address; it is the first that is missing. */
  | { readonly kind: "missing"; readonly uri: string }
  | { readonly kind: "impossible"; readonly why: string };

/** Documents by their addresses. */
export type SchemaDocuments = Readonly<Record<string, JsonSchema>>;

type SchemaObject = { readonly [key: string]: Json };

/** What references count from: a document, or a part of one that has an identifier. */
interface Resource {
  readonly uri: string;
  readonly root: JsonSchema;
  readonly document: Document;
  readonly anchors: Map<string, SchemaObject>;
}

interface Document {
  readonly uri: string;
  readonly draft: Draft | undefined;
  readonly isMain: boolean;
  /** Parts have identifiers of their own. */
  hasInnerIds: boolean;
  /** It has references whose target depends on the way that validation takes. */
  isDynamic: boolean;
}

/** Where a schema object is: the resource around it, and the way to it from the document's root. */
interface Place {
  readonly resource: Resource;
  readonly steps: readonly string[];
}

interface Target extends Place {
  readonly schema: JsonSchema;
}

/** Relative addresses count from here where a schema has none. */
const NOWHERE = "bundle:///";
/** As deep as a document is read: more than the gateway lets schemas nest. */
const MAX_DEPTH = 512;
const DYNAMIC_KEYWORDS = ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"];

/** Why a schema cannot be bundled. */
class Obstacle extends Error {}
class MissingDocument extends Error {
  readonly uri: string;
  constructor(uri: string) {
    super(uri);
    this.uri = uri;
  }
}

/**
 * Makes a schema self-contained; one that is already comes back as it is.
 *
 * @param baseUri the schema's own address, from which relative references count; its `$id` counts from that.
 */
export function bundle(schema: JsonSchema, documents: SchemaDocuments, baseUri: string = NOWHERE): Bundling {
  try {
    const bundler = new Bundler(schema, documents, baseUri);
    return { kind: "bundled", schema: bundler.bundle() };
  } catch (error) {
    if (error instanceof MissingDocument) return { kind: "missing", uri: shown(error.uri) };
    if (error instanceof Obstacle) return { kind: "impossible", why: error.message };
    throw error;
  }
}

class Bundler {
  readonly #schema: JsonSchema;
  readonly #documents: SchemaDocuments;
  readonly #main: Resource;
  readonly #draft: Draft | undefined;
  readonly #resources = new Map<string, Resource>();
  readonly #places = new Map<SchemaObject, Place>();
  /** The documents that were read, with the addresses that they are given under. */
  readonly #given: ReadonlyMap<string, string>;
  /** Definitions by what they were made of: an object, or the address of a boolean. */
  readonly #names = new Map<SchemaObject | string, string>();
  readonly #definitions = new Map<string, Json>();
  readonly #taken: Set<string>;
  readonly #keyword: "definitions" | "$defs";

  constructor(schema: JsonSchema, documents: SchemaDocuments, baseUri: string) {
    this.#schema = schema;
    this.#documents = documents;
    this.#draft = draftIn(schema);
    this.#given = new Map(Object.keys(documents).map((uri) => [withoutFragment(absolute(uri, NOWHERE)), uri]));
    this.#keyword = this.#draft !== undefined && referencesStandAlone(this.#draft) ? "definitions" : "$defs";
    const own = isObject(schema) ? schema[this.#keyword] : undefined;
    this.#taken = new Set(isObject(own) ? Object.keys(own) : []);
    this.#main = this.#read(schema, absolute(baseUri, NOWHERE), true);
  }

  bundle(): JsonSchema {
    if (!isObject(this.#schema)) return this.#schema;
    const root = this.#copy(this.#schema);
    if (this.#names.size === 0) return this.#schema;
    if (this.#main.document.hasInnerIds && this.#main.document.isDynamic)
      throw new Obstacle("it has dynamic references beside parts with $id, whose meaning a bundle would change");
    const own = root[this.#keyword];
    const definitions = { ...(isObject(own) ? own : {}), ...Object.fromEntries(this.#definitions) };
    return { ...root, [this.#keyword]: definitions };
  }

  /** Reads a document: its resources, anchors and places. */
  #read(schema: JsonSchema, uri: string, isMain: boolean): Resource {
    const draft = isMain || hasDraft(schema) ? draftIn(schema) : this.#draft;
    if (!isMain && (draft === undefined || draft !== this.#draft)) {
      throw new Obstacle(
        `the document ${shown(uri)} is of ${draft ?? "an unknown draft"}, and the schema that refers to it of ${this.#draft ?? "an unknown draft"}; bring both to one`,
      );
    }
    const document: Document = { uri, draft, isMain, hasInnerIds: false, isDynamic: false };
    const resource: Resource = { uri, root: schema, document, anchors: new Map() };
    this.#resources.set(uri, resource);
    return isObject(schema) ? this.#visit(schema, { resource, steps: [] }) : resource;
  }

  /** Notes a schema object and all within it; returns the resource that it is the root of, or is in. */
  #visit(schema: SchemaObject, { resource, steps }: Place): Resource {
    if (steps.length > MAX_DEPTH) throw new Obstacle(`${shown(resource.uri)} nests too deep`);
    const { document } = resource;
    const own = this.#identify(schema, resource, steps.length === 0);
    this.#places.set(schema, { resource: own, steps });
    if (DYNAMIC_KEYWORDS.some((keyword) => Object.hasOwn(schema, keyword))) document.isDynamic = true;
    for (const [keyword, value] of Object.entries(schema)) {
      if (isData(keyword)) continue;
      this.#visitWithin(value, { resource: own, steps: [...steps, keyword] }, MAP_KEYWORDS.has(keyword));
    }
    return own;
  }

  #visitWithin(value: Json, { resource, steps }: Place, isMap: boolean): void {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        this.#visitWithin(item, { resource, steps: [...steps, String(index)] }, false);
    } else if (isObject(value) && isMap) {
      for (const [name, inner] of Object.entries(value))
        this.#visitWithin(inner, { resource, steps: [...steps, name] }, false);
    } else if (isObject(value)) this.#visit(value, { resource, steps });
  }

  #identify(schema: SchemaObject, outer: Resource, isRoot: boolean): Resource {
    const { document } = outer;
    let resource = outer;
    const id = identifierOf(schema, document.draft);
    if (id?.startsWith("#")) outer.anchors.set(id.slice(1), schema);
    else if (id !== undefined) {
      const uri = withoutFragment(absolute(id, outer.uri));
      if (!isRoot) document.hasInnerIds = true;
      // A document is known by the address that it was given under, and by its own.
      resource = { uri, root: schema, document, anchors: isRoot ? outer.anchors : new Map() };
      if (!this.#resources.has(uri) || this.#resources.get(uri) === outer) this.#resources.set(uri, resource);
      if (isRoot) this.#resources.set(outer.uri, resource);
    }
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      const anchor = schema[keyword];
      if (typeof anchor === "string") resource.anchors.set(anchor, schema);
    }
    return resource;
  }

  /** A schema object of the main document, or of a definition, with references that lead to the bundle's places. */
  #copy(schema: SchemaObject): SchemaObject {
    const place = this.#placeOf(schema);
    const { document } = place.resource;
    const isRoot = document.isMain && place.steps.length === 0;
    const entries = Object.entries(schema).flatMap(([keyword, value]): [string, Json][] => {
      if (isData(keyword)) return [[keyword, value]];
      if (keyword === "$ref" && typeof value === "string") return [[keyword, this.#reference(value, place)]];
      if (!isRoot && isDropped(keyword, value, document)) return [];
      return [[keyword, this.#copyWithin(value, MAP_KEYWORDS.has(keyword))]];
    });
    // fromEntries defines, so that a key such as __proto__ stays a key, for the gate to refuse.
    return Object.fromEntries(entries);
  }

  #copyWithin(value: Json, isMap: boolean): Json {
    if (Array.isArray(value)) return value.map((item: Json) => this.#copyWithin(item, false));
    if (!isObject(value)) return value;
    if (!isMap) return this.#copy(value);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.#copyWithin(inner, false)]));
  }

  #placeOf(schema: SchemaObject): Place {
    const place = this.#places.get(schema);
    if (place === undefined) throw new Obstacle("a reference leads into data");
    return place;
  }

  /** A reference as the bundle has it. */
  #reference(ref: string, { resource }: Place): string {
    const target = this.#target(ref, resource);
    if (target.resource.document.isMain) {
      // Left as it is written where nothing about it changes: identifiers within go.
      return resource === this.#main && ref.startsWith("#") ? ref : pointerTo(target.steps);
    }
    return `#/${this.#keyword}/${this.#define(target, ref)}`;
  }

  #target(ref: string, from: Resource): Target {
    const uri = absolute(ref, from.uri);
    const address = withoutFragment(uri);
    const within = ref.startsWith("#") ? from : (this.#resources.get(address) ?? this.#load(address));
    const fragment = decoded(uri.includes("#") ? uri.slice(uri.indexOf("#") + 1) : "");
    const nothing = () => new Obstacle(`${ref} leads to a place that is not in ${shown(within.uri)}`);
    if (fragment === undefined) throw nothing();
    if (fragment !== "" && !fragment.startsWith("/")) {
      const schema = within.anchors.get(fragment);
      if (schema === undefined) throw nothing();
      return { ...this.#placeOf(schema), schema };
    }
    return this.#walk(within, fragment) ?? raise(nothing());
  }

  #walk(within: Resource, pointer: string): Target | undefined {
    const base = isObject(within.root) ? this.#placeOf(within.root).steps : [];
    const keys = pointer
      .split("/")
      .slice(1)
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    let found: Json | undefined = within.root;
    for (const key of keys) {
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
      found = (found as { readonly [key: string]: Json })[key]; // an object or an array, and its own key, as just seen
    }
    if (typeof found === "boolean") return { resource: within, steps: [...base, ...keys], schema: found };
    if (!isObject(found)) return undefined;
    return { ...this.#placeOf(found), schema: found };
  }

  #load(uri: string): Resource {
    const given = this.#given.get(uri);
    const document = given === undefined ? this.#knownByItsId(uri) : this.#documents[given];
    if (document === undefined) throw new MissingDocument(uri);
    const resource = this.#read(document, uri, false);
    if (resource.document.isDynamic) {
      throw new Obstacle(`the document ${shown(uri)} has dynamic references, whose meaning a bundle would change`);
    }
    return resource;
  }

  #knownByItsId(uri: string): JsonSchema | undefined {
    return Object.values(this.#documents).find((document) => {
      const id = isObject(document) ? identifierOf(document, draftIn(document)) : undefined;
      return id !== undefined && withoutFragment(absolute(id, NOWHERE)) === uri;
    });
  }

  /** The name of the definition that a target outside of the main document becomes. */
  #define({ schema, resource, steps }: Target, ref: string): string {
    const key = isObject(schema) ? schema : `${resource.uri} ${steps.join("/")}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#freeName(resource, ref);
    this.#names.set(key, name);
    // First the name, so that what refers to itself ends here.
    this.#definitions.set(name, isObject(schema) ? this.#copy(schema) : schema);
    return name;
  }

  #freeName({ document }: Resource, ref: string): string {
    const file = document.uri.replace(/[?#].*$/, "").replace(/\/+$/, "");
    const stem = file.slice(file.lastIndexOf("/") + 1).replace(/(\.schema)?\.json$/i, "");
    const fragment = ref.includes("#") ? ref.slice(ref.indexOf("#") + 1) : "";
    const last = fragment.slice(fragment.lastIndexOf("/") + 1);
    const wanted = [stem, last]
      .filter((part) => part !== "")
      .join("_")
      .replace(/[^A-Za-z0-9_.-]+/g, "_")
      .slice(0, 64);
    const base = wanted === "" ? "document" : wanted;
    let name = base;
    for (let number = 2; this.#taken.has(name); number++) name = `${base}_${number}`;
    this.#taken.add(name);
    return name;
  }
}

/** What a copy leaves out, as all of its references are to places: identifiers, and the draft. */
function isDropped(keyword: string, value: Json, document: Document): boolean {
  if (typeof value !== "string") return false;
  if (keyword === "$schema") return true;
  const isIdentifier = keyword === idKeyword(document.draft ?? "2020-12");
  if (document.isMain) return isIdentifier && !value.startsWith("#");
  return isIdentifier || keyword === "$anchor";
}

/** What is no schema, whatever it looks like. */
function isData(keyword: string): boolean {
  return DATA_KEYWORDS.has(keyword) || keyword.startsWith("x-");
}

function hasDraft(schema: JsonSchema): boolean {
  return isObject(schema) && Object.hasOwn(schema, "$schema");
}

function draftIn(schema: JsonSchema): Draft | undefined {
  const draft = draftOf(schema);
  return draft.kind === "known" ? draft.draft : undefined;
}

function identifierOf(schema: SchemaObject, draft: Draft = "2020-12"): string | undefined {
  if (referencesStandAlone(draft) && Object.hasOwn(schema, "$ref")) return undefined;
  const keyword = idKeyword(draft);
  const id = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  return typeof id === "string" && id !== "" && id !== "#" ? id : undefined;
}

function absolute(ref: string, base: string): string {
  try {
    return new URL(ref, base).href;
  } catch {
    throw new Obstacle(`${ref} is no reference that can be followed from ${shown(base)}`);
  }
}

function withoutFragment(uri: string): string {
  return uri.replace(/#.*$/s, "");
}

/** An address as it was given. */
function shown(uri: string): string {
  if (uri === NOWHERE) return "the schema";
  return uri.startsWith(NOWHERE) ? uri.slice(NOWHERE.length) : uri;
}

function pointerTo(steps: readonly string[]): string {
  const escaped = steps.map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")));
  return `#${escaped.map((step) => `/${step}`).join("")}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function raise(error: Error): never {
  throw error;
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
