import type { Json } from "../json/json.js";
import type { SchemaGraph, SchemaNode } from "./schema-graph.js";

/** What a sample is made to be. */
export interface SampleShape {
  /** How many values it may have, at every depth. */
  readonly values: number;
  /** How many characters a text has. */
  readonly characters: number;
  /** Decides which of several schemas, types and listed values it follows; other seeds make other samples. */
  readonly seed: number;
}

/** What a value is, as `type` says. */
const KINDS = ["object", "array", "string", "number", "null", "boolean"] as const;
type Kind = (typeof KINDS)[number];
/** How deep a sample nests. */
const MAX_DEPTH = 12;
/** How many schemas that validate the same value are looked at. */
const MAX_JOINED = 64;
const UNITS = ["a", "aB1-", "\u00e9", "0", " ", "\u{1f600}", "a.b/"];
/** Two of these tell it which properties a schema asks for when another one is there. */
const DEPENDENT = ["dependentRequired", "dependencies"];

/**
 * A value that makes a schema work: it has every property that the schema names, more properties and items than it asks for, long
 * texts, and is now of the types that are asked for and now of others. Work is linear in the values that it may have.
 */
export function sampleValue(graph: SchemaGraph, shape: SampleShape): Json {
  const root = graph.nodes[0];
  return new Sampler(graph, shape).value(root === undefined ? [] : [root], shape.values, 0);
}

class Sampler {
  readonly #graph: SchemaGraph;
  readonly #characters: number;
  #state: number;

  constructor(graph: SchemaGraph, { characters, seed }: SampleShape) {
    this.#graph = graph;
    this.#characters = characters;
    this.#state = (seed + 1) * 2_654_435_761;
  }

  /** A value for schemas, of at most `values` values. */
  value(schemas: readonly SchemaNode[], values: number, depth: number): Json {
    const nodes = this.#joined(schemas);
    const listed = this.#listed(nodes);
    if (listed !== undefined && this.#below(3) > 0) return listed;
    switch (depth >= MAX_DEPTH || values < 2 ? "string" : this.#kind(nodes)) {
      case "object":
        return this.#object(nodes, values - 1, depth);
      case "array":
        return this.#array(nodes, values - 1, depth);
      case "string":
        return this.#text();
      case "number":
        return [0, 1, -1.5, 1e17, 0.07][this.#below(5)] ?? 0;
      case "boolean":
        return true;
      default:
        return null;
    }
  }

  #object(nodes: readonly SchemaNode[], values: number, depth: number): Json {
    const names = new Map<string, SchemaNode[]>();
    for (const node of nodes) {
      for (const name of namesOf(node)) if (!names.has(name)) names.set(name, []);
      for (const edge of node.edges) {
        const child = this.#graph.nodes[edge.to];
        if (edge.reach === "named" && child !== undefined) names.get(edge.name ?? "")?.push(child);
      }
    }
    const wild = this.#reached(nodes, "wild");
    const members: [string, Json][] = [];
    const each = Math.max(1, Math.floor(values / Math.max(1, Math.min(names.size, values))));
    let left = values;
    for (const [name, schemas] of names) {
      if (left <= 0) break;
      members.push([name, this.value(schemas, each, depth + 1)]);
      left -= each;
    }
    const size = Math.max(1, Math.floor(values / 50));
    for (let index = 0; left > 0 && wild.length + this.#below(2) > 0; index++) {
      members.push([`${this.#text().slice(0, 8)}${index}`, this.value(wild, size, depth + 1)]);
      left -= size;
    }
    return Object.fromEntries(members);
  }

  #array(nodes: readonly SchemaNode[], values: number, depth: number): Json {
    const schemas = this.#reached(nodes, "array");
    // Few deep items or many flat ones.
    const size = [1, 1, Math.ceil(values / 20), Math.ceil(values / 2)][this.#below(4)] ?? 1;
    const items: Json[] = [];
    for (let left = values; left > 0; left -= size) items.push(this.value(schemas, size, depth + 1));
    return items;
  }

  #text(): string {
    const unit = UNITS[this.#below(UNITS.length)] ?? "a";
    return unit.repeat(Math.ceil(this.#characters / unit.length));
  }

  #kind(nodes: readonly SchemaNode[]): Kind {
    const asked = nodes.flatMap(({ schema }) => [schema.type].flat()).filter((type) => KINDS.includes(type as Kind));
    if (asked.length > 0 && this.#below(8) > 0) return asked[this.#below(asked.length)] as Kind; // as just filtered
    const useful: Kind[] = [];
    if (nodes.some((node) => node.edges.some(({ reach }) => ["named", "wild", "keys"].includes(reach))))
      useful.push("object");
    if (nodes.some((node) => namesOf(node).length > 0)) useful.push("object");
    if (nodes.some((node) => node.edges.some(({ reach }) => reach === "array") || "uniqueItems" in node.schema))
      useful.push("array");
    if (nodes.some(({ schema }) => "pattern" in schema || "format" in schema)) useful.push("string");
    const kinds = useful.length > 0 && this.#below(8) > 0 ? useful : KINDS;
    return kinds[this.#below(kinds.length)] ?? "object";
  }

  /** One of the values that schemas list. */
  #listed(nodes: readonly SchemaNode[]): Json | undefined {
    for (const { schema } of nodes) {
      if (Object.hasOwn(schema, "const")) return schema.const;
      const listed = Object.hasOwn(schema, "enum") ? schema.enum : undefined;
      if (Array.isArray(listed) && listed.length > 0) return listed[this.#below(2) * (listed.length - 1)];
    }
    return undefined;
  }

  /** Schemas and all that validate the same value for them. */
  #joined(schemas: readonly SchemaNode[]): readonly SchemaNode[] {
    const found = new Set(schemas);
    for (const node of found) {
      for (const edge of node.edges) {
        const child = this.#graph.nodes[edge.to];
        if (edge.reach === "place" && child !== undefined && found.size < MAX_JOINED) found.add(child);
      }
    }
    return [...found];
  }

  #reached(nodes: readonly SchemaNode[], reach: "array" | "wild"): SchemaNode[] {
    return nodes.flatMap((node) =>
      node.edges.flatMap((edge) => {
        const child = edge.reach === reach ? this.#graph.nodes[edge.to] : undefined;
        return child === undefined ? [] : [child];
      }),
    );
  }

  /** A number below another, by xorshift: the same seed makes the same sample. */
  #below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }
}

/** The properties that a schema speaks of. */
function namesOf({ schema }: SchemaNode): readonly string[] {
  const names: string[] = [];
  if (typeof schema.properties === "object" && schema.properties !== null)
    names.push(...Object.keys(schema.properties));
  for (const keyword of DEPENDENT) {
    const value = schema[keyword];
    if (typeof value === "object" && value !== null) names.push(...Object.keys(value));
  }
  // All that is asked for but the last: what is looked for and found nearly to the end costs the most.
  if (Array.isArray(schema.required)) names.push(...schema.required.slice(0, -1).map(String));
  return names;
}
