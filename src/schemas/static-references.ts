import type { JsonSchema } from "../contract/contract.js";
import { type Draft, referencesStandAlone } from "../contract/draft.js";
import type { Json } from "../json/json.js";
import type { Step } from "../json/pointer.js";
import { applicatorIn, type Shape } from "./keywords.js";
import type { Edge, SchemaFault, SchemaGraph, SchemaNode, SchemaResource } from "./schema-graph.js";

/**
 * A schema whose references are all pointers from its root, and where each of its objects was in the schema that it was made from.
 */
export interface StaticSchema {
  readonly schema: JsonSchema;
  readonly origins: ReadonlyMap<object, readonly Step[]>;
}

/** What identifies parts of a schema, or leads to them: nothing of it is left. */
const DROPPED = new Set([
  "$id",
  "id",
  "$anchor",
  "$dynamicAnchor",
  "$dynamicRef",
  "$recursiveAnchor",
  "$recursiveRef",
  "$ref",
  "$schema",
  "$vocabulary",
]);

/**
 * Writes a schema so that every reference is a pointer to a fixed place: anchors, identifiers within it and references to them are
 * resolved. Where a `$dynamicRef`, or `$recursiveRef` of 2019-09, leads depends on the way that validation took (JSON Schema 2020-12 Core, section 8.2.3.2): on the
 * outermost part of the schema that was entered and has the anchor. There are finitely many ways to tell apart, so a part
 * that is entered on several of them is written once for each.
 *
 * @param graph of the schema, without faults.
 * @param maxSubschemas the most that is written, in schema objects.
 */
export function withStaticReferences(
  draft: Draft,
  graph: SchemaGraph,
  maxSubschemas: number,
): StaticSchema | SchemaFault {
  const root = graph.nodes[0];
  if (root === undefined) return { pointer: "", reason: "must be an object" };
  const writer = new Writer(draft, graph, maxSubschemas);
  return writer.write(root) ?? { pointer: "", reason: "must have fewer ways on which its dynamic references are met" };
}

/** For each anchor that dynamic references look for: the node that it names in the outermost part that was entered. */
type Scope = ReadonlyMap<string, number>;

class Writer {
  readonly #draft: Draft;
  readonly #graph: SchemaGraph;
  readonly #indexOf: ReadonlyMap<object, number>;
  /** The anchors that a dynamic reference looks for; others make no difference. */
  readonly #soughtAnchors: ReadonlySet<string>;
  readonly #maxSubschemas: number;
  readonly #definitions: Record<string, Json> = {};
  readonly #origins = new Map<object, readonly Step[]>();
  readonly #scopes = new Map<string, Scope>();
  readonly #enteredFrom = new Map<Scope, Map<SchemaResource, Scope>>();
  /** Where what references lead to is written, by scope and node. */
  readonly #places = new Map<Scope, Map<number, string>>();
  /** What is yet to be written there. */
  readonly #open: { readonly name: string; readonly node: SchemaNode; readonly scope: Scope }[] = [];
  #written = 0;

  constructor(draft: Draft, graph: SchemaGraph, maxSubschemas: number) {
    this.#draft = draft;
    this.#graph = graph;
    this.#maxSubschemas = maxSubschemas;
    this.#indexOf = new Map(graph.nodes.map((node) => [node.schema, node.index]));
    this.#soughtAnchors = new Set(
      graph.nodes.flatMap((node) => node.edges.flatMap(({ dynamic }) => (dynamic === undefined ? [] : [dynamic]))),
    );
  }

  write(root: SchemaNode): StaticSchema | undefined {
    const scope = this.#entered(root, new Map());
    this.#places.set(scope, new Map([[root.index, "#"]]));
    const schema = this.#schemaOf(root, scope);
    for (let next = 0; next < this.#open.length && this.#written <= this.#maxSubschemas; next++) {
      const open = this.#open[next];
      if (open !== undefined) this.#definitions[open.name] = this.#schemaOf(open.node, open.scope);
    }
    if (this.#written > this.#maxSubschemas) return undefined;
    if (root.schema.$schema !== undefined) schema.$schema = root.schema.$schema;
    schema[this.#definitionsKeyword] = this.#definitions;
    return { schema, origins: this.#origins };
  }

  get #definitionsKeyword(): string {
    return this.#draft === "2020-12" ? "$defs" : "definitions";
  }

  /** The scope in a node that is come to in another. The same two make the same scope, so that scopes are compared by identity. */
  #entered({ resource }: SchemaNode, outer: Scope): Scope {
    if (resource.dynamicAnchors.size === 0) return outer;
    const known = this.#enteredFrom.get(outer)?.get(resource);
    if (known !== undefined) return known;
    const added = [...resource.dynamicAnchors].filter(
      ([anchor]) => this.#soughtAnchors.has(anchor) && !outer.has(anchor),
    );
    const scope = added.length === 0 ? outer : this.#scopeOf(outer, added);
    const others = this.#enteredFrom.get(outer) ?? new Map<SchemaResource, Scope>();
    this.#enteredFrom.set(outer, others.set(resource, scope));
    return scope;
  }

  #scopeOf(outer: Scope, added: readonly (readonly [string, object])[]): Scope {
    const scope = new Map([
      ...outer,
      ...added.map(([anchor, schema]) => [anchor, this.#indexOf.get(schema) ?? 0] as const),
    ]);
    const key = JSON.stringify([...scope].sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#scopes.get(key) ?? scope;
    this.#scopes.set(key, known);
    return known;
  }

  #schemaOf(node: SchemaNode, scope: Scope): Record<string, Json> {
    const schema: Record<string, Json> = {};
    this.#origins.set(schema, node.steps);
    if (++this.#written > this.#maxSubschemas) return schema;
    const references = this.#referencesOf(node, scope);
    if (referencesStandAlone(this.#draft) && Object.hasOwn(node.schema, "$ref"))
      return Object.assign(schema, references[0]);
    for (const [keyword, value] of Object.entries(node.schema)) {
      if (DROPPED.has(keyword)) continue;
      const applicator = applicatorIn(keyword, this.#draft);
      if (applicator === undefined) schema[keyword] = value;
      else if (applicator.reach !== "held") schema[keyword] = this.#children(value, scope, applicator.shape);
    }
    const [first, ...others] = references;
    Object.assign(schema, first);
    if (others.length > 0) schema.allOf = [...(Array.isArray(schema.allOf) ? schema.allOf : []), ...others];
    return schema;
  }

  /** A keyword's subschemas, among which may be what is none. */
  #children(value: Json, scope: Scope, shape: Shape): Json {
    const child = (each: Json): Json => {
      const node = typeof each === "object" && each !== null ? this.#nodeOf(each) : undefined;
      return node === undefined ? each : this.#schemaOf(node, this.#entered(node, scope));
    };
    if (Array.isArray(value)) return value.map(child);
    if (typeof value !== "object" || value === null || !shape.startsWith("map")) return child(value);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, child(each)]));
  }

  #nodeOf(schema: object): SchemaNode | undefined {
    return this.#graph.nodes[this.#indexOf.get(schema) ?? -1];
  }

  #referencesOf(node: SchemaNode, scope: Scope): { $ref: string }[] {
    const references = node.edges.filter((edge) => edge.ref !== undefined).map((edge) => this.#reference(edge, scope));
    for (const boolean of node.booleans.values()) {
      this.#definitions[String(boolean)] = boolean;
      references.push(`#/${this.#definitionsKeyword}/${boolean}`);
    }
    return references.map(($ref) => ({ $ref }));
  }

  #reference(edge: Edge, scope: Scope): string {
    const index = edge.dynamic === undefined ? edge.to : (scope.get(edge.dynamic) ?? edge.to);
    const node = this.#graph.nodes[index];
    if (node === undefined) return "#"; // edges lead to nodes
    const inner = this.#entered(node, scope);
    const places = this.#places.get(inner) ?? new Map<number, string>();
    const known = places.get(index);
    if (known !== undefined) return known;
    const name = String(this.#open.length);
    const place = `#/${this.#definitionsKeyword}/${name}`;
    this.#places.set(inner, places.set(index, place));
    this.#open.push({ name, node, scope: inner });
    return place;
  }
}
