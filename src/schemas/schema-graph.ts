import type { Json, JsonSchema } from "../contract/contract.js";
import { pointerOf, type Step } from "../json/pointer.js";
import type { Draft } from "./draft.js";
import { applicatorIn, type Reach } from "./keywords.js";

/** A schema object within a schema. */
export interface SchemaNode {
  readonly index: number;
  readonly schema: { readonly [key: string]: Json };
  /** Where it is. */
  readonly steps: readonly Step[];
  /** What it applies: its subschemas, and what its references lead to. */
  readonly edges: Edge[];
}

/** One schema applies another. */
export interface Edge {
  readonly to: number;
  readonly reach: Reach;
  /** The property that `named` is about. */
  readonly name?: string;
  /** The reference as it is written; absent for a subschema. */
  readonly ref?: string;
}

/** What is wrong with a schema: a JSON pointer into it, and the rule. */
export interface SchemaFault {
  readonly pointer: string;
  readonly reason: string;
}

/** A schema as a graph: which schema applies which, references included. */
export interface SchemaGraph {
  /** Schema objects in the order in which they were met; the root first. Booleans have no node. */
  readonly nodes: readonly SchemaNode[];
  readonly faults: readonly SchemaFault[];
  /** Parts of the schema have identifiers of their own, so references may resolve in ways that are not modelled here. */
  readonly hasInnerIds: boolean;
  /** It has dynamic references or anchors: what applies depends on the way that validation took. */
  readonly isDynamic: boolean;
}

type SchemaObject = SchemaNode["schema"];

/** A part of a schema that references count from: the root, or a subschema with an `$id`. */
interface Resource {
  readonly root: SchemaObject;
  readonly steps: readonly Step[];
  readonly anchors: Map<string, SchemaObject>;
}

interface Reference {
  readonly from: SchemaNode;
  readonly keyword: "$ref" | "$dynamicRef";
  readonly resource: Resource;
}

/** What a reference leads to, and the resource around it; or why to nothing. */
type Target =
  | { readonly kind: "found"; readonly within: Resource; readonly schema: Json; readonly steps: readonly Step[] }
  | { readonly kind: "none"; readonly reason: string };

/** Reads a schema, of a depth that was checked before, as a graph. Work is linear in it and ends at the limit. */
export function schemaGraph(schema: JsonSchema, draft: Draft, maxSubschemas: number): SchemaGraph {
  return new GraphBuilder(draft, maxSubschemas).build(schema);
}

class GraphBuilder {
  readonly #draft: Draft;
  readonly #maxSubschemas: number;
  readonly #nodes: SchemaNode[] = [];
  readonly #byObject = new Map<SchemaObject, SchemaNode>();
  readonly #references: Reference[] = [];
  readonly #resources = new Map<string, Resource>();
  readonly #faults: SchemaFault[] = [];
  #hasInnerIds = false;
  #isDynamic = false;
  #isFull = false;

  constructor(draft: Draft, maxSubschemas: number) {
    this.#draft = draft;
    this.#maxSubschemas = maxSubschemas;
  }

  build(schema: JsonSchema): SchemaGraph {
    if (typeof schema === "object") {
      const root: Resource = { root: schema, steps: [], anchors: new Map() };
      this.#resources.set("", root);
      const id = idOf(schema);
      if (id !== undefined && !id.startsWith("#")) this.#resources.set(withoutFragment(id), root);
      this.#visit(schema, [], root);
      // A reference may lead to a place that no keyword does; what is found there may have references in turn.
      for (let next = 0; next < this.#references.length && !this.#isFull; next++) {
        const reference = this.#references[next];
        if (reference !== undefined) this.#resolve(reference);
      }
    }
    return { nodes: this.#nodes, faults: this.#faults, hasInnerIds: this.#hasInnerIds, isDynamic: this.#isDynamic };
  }

  #fault(steps: readonly Step[], reason: string): void {
    this.#faults.push({ pointer: pointerOf(steps), reason });
  }

  /** The node of a schema; undefined for booleans, for what is not a schema, and once the limits are reached. */
  #visit(schema: Json | undefined, steps: readonly Step[], outer: Resource): SchemaNode | undefined {
    if (!isObject(schema)) {
      if (typeof schema !== "boolean") this.#fault(steps, "must be a schema: an object or a boolean");
      return undefined;
    }
    const known = this.#byObject.get(schema);
    if (known !== undefined) return known;
    if (this.#isFull) return undefined;
    if (this.#nodes.length === this.#maxSubschemas) {
      this.#isFull = true;
      this.#fault([], `must have at most ${this.#maxSubschemas} subschemas`);
      return undefined;
    }
    const node: SchemaNode = { index: this.#nodes.length, schema, steps, edges: [] };
    this.#nodes.push(node);
    this.#byObject.set(schema, node);
    const resource = this.#identify(node, outer);
    for (const keyword of ["$ref", "$dynamicRef"] as const) {
      if (!Object.hasOwn(schema, keyword) || (keyword === "$dynamicRef" && this.#draft === "draft-07")) continue;
      this.#references.push({ from: node, keyword, resource });
    }
    const isReferenceOnly = this.#draft === "draft-07" && Object.hasOwn(schema, "$ref");
    for (const [keyword, value] of Object.entries(schema)) {
      const applicator = applicatorIn(keyword, this.#draft);
      // In draft-07 a reference stands alone: what is beside it applies to nothing.
      if (applicator === undefined || (isReferenceOnly && applicator.reach !== "held")) continue;
      this.#visitChildren(node, keyword, value, applicator.reach, applicator.shape, resource);
    }
    return node;
  }

  #visitChildren(
    node: SchemaNode,
    keyword: string,
    value: Json,
    reach: Reach,
    shape: "one" | "list" | "map" | "one-or-list" | "map-or-names",
    resource: Resource,
  ): void {
    const child = (schema: Json | undefined, key: Step | undefined): void => {
      const steps = key === undefined ? [...node.steps, keyword] : [...node.steps, keyword, key];
      const to = this.#visit(schema, steps, resource);
      if (to === undefined) return;
      node.edges.push({ to: to.index, reach, ...(reach === "named" ? { name: String(key) } : {}) });
    };
    switch (shape) {
      case "one":
        child(value, undefined);
        break;
      case "one-or-list":
        if (!Array.isArray(value)) child(value, undefined);
        else if (this.#draft === "draft-07") for (const [index, schema] of value.entries()) child(schema, index);
        else {
          this.#fault(
            [...node.steps, keyword],
            "must be one schema; a list of schemas is called prefixItems in draft 2020-12 (or name draft-07 in $schema)",
          );
        }
        break;
      case "list":
        if (Array.isArray(value)) for (const [index, schema] of value.entries()) child(schema, index);
        else this.#fault([...node.steps, keyword], "must be a list of schemas");
        break;
      case "map":
      case "map-or-names":
        if (!isObject(value)) this.#fault([...node.steps, keyword], "must be an object of schemas");
        else {
          for (const [key, schema] of Object.entries(value)) {
            if (shape === "map" || !Array.isArray(schema)) child(schema, key);
          }
        }
        break;
      default:
        shape satisfies never;
    }
  }

  /** Notes a schema's own identifiers, and returns the resource that its references count from. */
  #identify(node: SchemaNode, outer: Resource): Resource {
    const { schema } = node;
    const id = idOf(schema);
    let resource = outer;
    if (id?.startsWith("#")) outer.anchors.set(id.slice(1), schema);
    else if (id !== undefined && schema !== outer.root) {
      this.#hasInnerIds = true;
      resource = { root: schema, steps: node.steps, anchors: new Map() };
      this.#resources.set(withoutFragment(id), resource);
    }
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      const anchor = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
      if (typeof anchor !== "string") continue;
      resource.anchors.set(anchor, schema);
      if (keyword === "$dynamicAnchor" && this.#draft === "2020-12") this.#isDynamic = true;
    }
    return resource;
  }

  #resolve(reference: Reference): void {
    const { from, keyword, resource } = reference;
    const target = this.#target(reference);
    if (target.kind === "none") {
      this.#fault([...from.steps, keyword], target.reason);
      return;
    }
    const node = this.#visit(target.schema, target.steps, target.within);
    const ref = `${keyword} ${resource.steps.join("/")} ${String(from.schema[keyword])}`;
    if (node !== undefined) from.edges.push({ to: node.index, reach: "place", ref });
  }

  #target({ from, keyword, resource }: Reference): Target {
    const ref = from.schema[keyword];
    if (typeof ref !== "string") return { kind: "none", reason: "must be text" };
    const hash = ref.indexOf("#");
    const address = hash < 0 ? ref : ref.slice(0, hash);
    const fragment = hash < 0 ? "" : ref.slice(hash + 1);
    const within = address === "" ? resource : this.#resources.get(address);
    if (within === undefined || ref === "") {
      return { kind: "none", reason: "leads out of its schema; only references within it (#/$defs/name) are followed" };
    }
    if (keyword === "$dynamicRef") {
      this.#isDynamic = true;
      if (address !== "" || fragment === "" || fragment.startsWith("/")) {
        return { kind: "none", reason: "must be # and the name of an anchor" }; // Ajv follows no other
      }
    }
    const found = this.#find(within, fragment);
    return found === undefined
      ? { kind: "none", reason: "leads to a place that is not in its schema" }
      : { kind: "found", within, ...found };
  }

  #find(resource: Resource, fragment: string): { schema: Json; steps: readonly Step[] } | undefined {
    if (fragment === "") return { schema: resource.root, steps: resource.steps };
    if (!fragment.startsWith("/")) {
      const schema = resource.anchors.get(fragment);
      return schema === undefined ? undefined : { schema, steps: this.#byObject.get(schema)?.steps ?? resource.steps };
    }
    // Ajv takes "#/" for the root and the specification for the property ""; so it is refused.
    if (fragment === "/") return undefined;
    let found: Json | undefined = resource.root;
    const steps: Step[] = [...resource.steps];
    for (const part of fragment.slice(1).split("/")) {
      const key = decodePart(part);
      if (key === undefined || typeof found !== "object" || found === null || !Object.hasOwn(found, key))
        return undefined;
      found = (found as { readonly [key: string]: Json })[key]; // an object or an array, and its own key, as just seen
      steps.push(key);
    }
    return found === undefined ? undefined : { schema: found, steps };
  }
}

function isObject(value: Json | undefined): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function idOf(schema: SchemaObject): string | undefined {
  const id = Object.hasOwn(schema, "$id") ? schema.$id : undefined;
  return typeof id === "string" && id !== "" && id !== "#" ? id : undefined;
}

function withoutFragment(id: string): string {
  return id.replace(/#.*$/, "");
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}
