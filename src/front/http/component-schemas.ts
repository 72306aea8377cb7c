import { type Draft, draftOf, itemsMayBeList, referencesStandAlone } from "../../contract/draft.js";
import type { Json } from "../../json/json.js";
import { parseJson } from "../../json/parse-json.js";
import type { RawJson } from "../../json/raw-json.js";
import { applicatorIn } from "../../schemas/keywords.js";
import { type SchemaGraph, type SchemaNode, schemaGraph } from "../../schemas/schema-graph.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../schemas/schema-policy.js";
import { withStaticReferences } from "../../schemas/static-references.js";
import { UniqueNames } from "./unique-names.js";

type SchemaObject = { readonly [key: string]: Json };

/** What takes the place of a schema that this node cannot read: a newer node admitted it. */
const UNREADABLE = { description: "Its schema is one that this node does not know." };
/** What says which schema it is, or leads to others: none of it holds in a document of several schemas. */
const IDENTIFIERS = new Set([
  ...["$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"],
  ...["$ref", "$dynamicRef", "$recursiveRef"],
]);
const DEFINITIONS = new Set(["$defs", "definitions"]);
/** Keywords that also older forms of OpenAPI let be a boolean: every generator takes one there, and some nowhere else. */
const MAY_BE_BOOLEAN = new Set(["additionalProperties", "unevaluatedProperties"]);

/**
 * Strangers' schemas as parts of one OpenAPI document.
 *
 * A reference within a schema counts from that schema's root, and in the document it would count from the document's. So what
 * references lead to becomes a component, under a name of its own, which is the one place that generators of clients follow them to. And
 * a document is in one draft, 2020-12 (https://spec.openapis.org/oas/v3.1.0#schema-object), so that a schema of another one is written
 * in it. Every other schema stays the bytes that it was registered as.
 *
 * It is written here on the graph that validation is done by, so that a reference leads to the same place in both: what bundles schemas
 * elsewhere (`@apidevtools/json-schema-ref-parser`, `@hyperjump/json-schema`) fetches them, or keeps `$id`s, which generators do not know.
 */
export class ComponentSchemas {
  readonly #components: Record<string, Json> = {};
  readonly #names: UniqueNames;

  /** @param taken names of components that the document has already */
  constructor(taken: Iterable<string>) {
    this.#names = new UniqueNames(taken);
  }

  /** What was put among the components. */
  get components(): Readonly<Record<string, unknown>> {
    return this.#components;
  }

  /**
   * Places a schema.
   *
   * @param name what its components' names begin with: letters, digits and underscores
   * @returns what to write where it stands
   */
  place(raw: RawJson, name: string): unknown {
    const schema = parseJson(raw.text, "bigint") as Json; // it was registered as a schema
    if (typeof schema === "boolean") return schemaOfBoolean(schema);
    const draft = draftOf(schema as SchemaObject);
    if (draft.kind === "unknown") return UNREADABLE;
    const graph = schemaGraph(schema as SchemaObject, draft.draft, DEFAULT_SCHEMA_LIMITS.maxSubschemas);
    if (graph.faults.length > 0) return UNREADABLE;
    if (draft.draft === "2020-12" && graph.nodes.every(standsForItself)) return raw;
    const plain = plainGraph(graph, draft.draft);
    if (plain === undefined) return UNREADABLE;
    return new Writer(plain, draft.draft, this.#components, (last) =>
      this.#names.take(last === "" ? name : `${name}_${last}`),
    ).write();
  }
}

/** Whether nothing in a schema has to be written in another way. */
const standsForItself = ({ schema }: SchemaNode): boolean =>
  Object.entries(schema).every(
    ([keyword, value]) =>
      keyword === "$schema" ||
      !(
        IDENTIFIERS.has(keyword) ||
        DEFINITIONS.has(keyword) ||
        keyword === "dependencies" ||
        holdsBoolean(keyword, value)
      ),
  );

/** Whether a keyword has `true` or `false` for a schema where generators look for an object. */
function holdsBoolean(keyword: string, value: Json): boolean {
  const shape = applicatorIn(keyword, "2020-12")?.shape;
  if (shape === undefined || MAY_BE_BOOLEAN.has(keyword)) return false;
  const children: readonly Json[] = typeof value === "object" && value !== null ? Object.values(value) : [];
  return typeof value === "boolean" || (shape !== "one" && children.some((child) => typeof child === "boolean"));
}

/** A graph whose references are pointers, and what its nodes were called before that. */
interface PlainGraph extends SchemaGraph {
  readonly lastStepOf: (node: SchemaNode) => string;
}

function plainGraph(graph: SchemaGraph, draft: Draft): PlainGraph | undefined {
  if (graph.isPlain) return { ...graph, lastStepOf: ({ steps }) => lastOf(steps) };
  const written = withStaticReferences(draft, graph, DEFAULT_SCHEMA_LIMITS.maxSubschemas);
  if ("reason" in written) return undefined;
  const plain = schemaGraph(written.schema, draft, DEFAULT_SCHEMA_LIMITS.maxSubschemas);
  if (plain.faults.length > 0) return undefined;
  return { ...plain, lastStepOf: ({ schema, steps }) => lastOf(written.origins.get(schema) ?? steps) };
}

const lastOf = (steps: SchemaNode["steps"]): string => String(steps.at(-1) ?? "").replace(/[^A-Za-z0-9]+/g, "_");

/** Writes one schema in draft 2020-12, and what its references lead to as components. */
class Writer {
  readonly #graph: PlainGraph;
  readonly #draft: Draft;
  readonly #components: Record<string, Json>;
  readonly #takeName: (last: string) => string;
  readonly #nodeOf: ReadonlyMap<object, SchemaNode>;
  /** The components that references lead to, by node. */
  readonly #names = new Map<number, string>();

  constructor(graph: PlainGraph, draft: Draft, components: Record<string, Json>, takeName: (last: string) => string) {
    this.#graph = graph;
    this.#draft = draft;
    this.#components = components;
    this.#takeName = takeName;
    this.#nodeOf = new Map(graph.nodes.map((node) => [node.schema, node]));
  }

  write(): Json {
    const targets = this.#graph.nodes.flatMap(({ edges }) => edges.filter(({ ref }) => ref !== undefined));
    for (const { to } of targets) {
      const node = this.#graph.nodes[to];
      if (node !== undefined && !this.#names.has(to)) this.#names.set(to, this.#takeName(this.#graph.lastStepOf(node)));
    }
    for (const [index, name] of this.#names) {
      const node = this.#graph.nodes[index];
      if (node !== undefined) this.#components[name] = named(this.#schemaOf(node));
    }
    const root = this.#graph.nodes[0];
    return root === undefined ? {} : this.#placed(root);
  }

  /** A schema where it stands: what is a component is referred to there, too. */
  #placed(node: SchemaNode): Json {
    const name = this.#names.get(node.index);
    return name === undefined ? this.#schemaOf(node) : referenceTo(name);
  }

  #schemaOf(node: SchemaNode): SchemaObject {
    const { schema } = node;
    const references = this.#referencesOf(node);
    if (referencesStandAlone(this.#draft) && Object.hasOwn(schema, "$ref")) return references[0] ?? {};
    const written: Record<string, Json> = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (!IDENTIFIERS.has(keyword) && !DEFINITIONS.has(keyword)) this.#write(keyword, value, schema, written);
    }
    const [first, ...others] = references;
    Object.assign(written, first);
    if (others.length > 0) written.allOf = [...((written.allOf as Json[] | undefined) ?? []), ...others]; // a list of schemas
    return written;
  }

  #referencesOf(node: SchemaNode): SchemaObject[] {
    const named = node.edges.flatMap(({ ref, to }) => {
      const name = ref === undefined ? undefined : this.#names.get(to);
      return name === undefined ? [] : [referenceTo(name)];
    });
    return [...named, ...[...node.booleans.values()].map(schemaOfBoolean)];
  }

  /** One keyword, as 2020-12 has it. */
  #write(keyword: string, value: Json, schema: SchemaObject, to: Record<string, Json>): void {
    if (keyword === "exclusiveMinimum" || keyword === "exclusiveMaximum") {
      const limit = keyword === "exclusiveMinimum" ? "minimum" : "maximum";
      // In draft-04 it says whether its neighbour is excluded.
      if (typeof value !== "boolean") to[keyword] = value;
      else if (value && schema[limit] !== undefined) to[keyword] = schema[limit];
    } else if ((keyword === "minimum" || keyword === "maximum") && schema[exclusiveOf(keyword)] === true) {
      return; // written by the other
    } else if (keyword === "dependencies" && isObject(value)) {
      this.#writeDependencies(value, to);
    } else if (keyword === "items" && Array.isArray(value) && itemsMayBeList(this.#draft)) {
      to.prefixItems = this.#children(value, "list");
    } else if (keyword === "additionalItems" && this.#draft !== "2020-12") {
      if (Array.isArray(schema.items)) to.items = this.#children(value, "one");
    } else {
      const shape = applicatorIn(keyword, this.#draft)?.shape;
      const stays = shape === undefined || (MAY_BE_BOOLEAN.has(keyword) && typeof value === "boolean");
      to[keyword] = stays ? value : this.#children(value, shape);
    }
  }

  #writeDependencies(value: SchemaObject, to: Record<string, Json>): void {
    const [names, schemas]: [Record<string, Json>, Record<string, Json>] = [{}, {}];
    for (const [key, each] of Object.entries(value)) {
      if (Array.isArray(each)) names[key] = each;
      else schemas[key] = this.#child(each);
    }
    if (Object.keys(names).length > 0) to.dependentRequired = { ...(to.dependentRequired as object), ...names };
    if (Object.keys(schemas).length > 0) to.dependentSchemas = { ...(to.dependentSchemas as object), ...schemas };
  }

  #children(value: Json, shape: string): Json {
    if (Array.isArray(value)) return value.map((each: Json) => this.#child(each));
    if (!isObject(value) || !shape.startsWith("map")) return this.#child(value);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#child(each)]));
  }

  #child(value: Json): Json {
    if (typeof value === "boolean") return schemaOfBoolean(value);
    const node = isObject(value) ? this.#nodeOf.get(value) : undefined;
    return node === undefined ? value : this.#placed(node);
  }
}

/** The same as an object. */
const schemaOfBoolean = (accepts: boolean): SchemaObject => (accepts ? {} : { not: {} });

/** A component, which has a name: by a title, which several may have, some generators would call it instead. */
function named(schema: SchemaObject): SchemaObject {
  const { title, ...rest } = schema;
  return typeof title === "string" && rest.description === undefined ? { description: title, ...rest } : rest;
}

const exclusiveOf = (keyword: "minimum" | "maximum"): string =>
  keyword === "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";

const referenceTo = (name: string): SchemaObject => ({ $ref: `#/components/schemas/${name}` });

function isObject(value: Json | undefined): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
