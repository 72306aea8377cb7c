import type { JsonSchema } from "../contract/contract.js";
import { type Draft, idKeyword, itemsMayBeList, referencesStandAlone } from "../contract/draft.js";
import type { Json } from "../json/json.js";
import { pointerOf, type Step } from "../json/pointer.js";
import { applicatorIn, assertsIn, isKnownIn, type Reach } from "./keywords.js";

/** A schema object within a schema. */
export interface SchemaNode {
  readonly index: number;
  readonly schema: { readonly [key: string]: Json };
  /** Where it is. */
  readonly steps: readonly Step[];
  /** What it applies: its subschemas, and what its references lead to. */
  readonly edges: Edge[];
  /** The part that it belongs to, and that its references count from. */
  readonly resource: SchemaResource;
  /** What its references lead to that is no schema object but `true` or `false`. */
  readonly booleans: Map<Reference["keyword"], boolean>;
}

/** A part of a schema that references count from: the root, or a subschema with an `$id`. */
export interface SchemaResource {
  readonly root: SchemaNode["schema"];
  readonly steps: readonly Step[];
  /** Absolute; invented where the root names none. */
  readonly uri: string;
  readonly anchors: Map<string, SchemaNode["schema"]>;
  /** Those of the anchors that dynamic references look for, too. */
  readonly dynamicAnchors: Map<string, SchemaNode["schema"]>;
}

/** One schema applies another. */
export interface Edge {
  readonly to: number;
  readonly reach: Reach;
  /** The property that `named` is about. */
  readonly name?: string;
  /** The reference as it is written; absent for a subschema. */
  readonly ref?: string;
  /** The keyword of the reference. */
  readonly keyword?: Reference["keyword"];
  /** The anchor that is looked for in what is entered on the way here, before this edge is followed. */
  readonly dynamic?: string;
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
  /** Each reference leads to a fixed place, by a pointer from the root: nothing else has to be known to follow it. */
  readonly isPlain: boolean;
}

type SchemaObject = SchemaNode["schema"];

const REFERENCES = ["$ref", "$dynamicRef", "$recursiveRef"] as const;

interface Reference {
  readonly from: SchemaNode;
  readonly keyword: (typeof REFERENCES)[number];
  readonly resource: SchemaResource;
}

/** What a reference leads to, and the resource around it; or why to nothing. */
type Target =
  | {
      readonly kind: "found";
      readonly within: SchemaResource;
      readonly schema: Json;
      readonly steps: readonly Step[];
      readonly dynamic?: string;
    }
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
  readonly #resources = new Map<string, SchemaResource>();
  readonly #faults: SchemaFault[] = [];
  #isPlain = true;
  #isFull = false;

  constructor(draft: Draft, maxSubschemas: number) {
    this.#draft = draft;
    this.#maxSubschemas = maxSubschemas;
  }

  build(schema: JsonSchema): SchemaGraph {
    if (typeof schema === "object") {
      this.#visit(schema, [], this.#open(schema, [], resolveUri(this.#idOf(schema) ?? "", NO_URI)?.address ?? NO_URI));
      // A reference may lead to a place that no keyword does; what is found there may have references in turn.
      for (let next = 0; next < this.#references.length && !this.#isFull; next++) {
        const reference = this.#references[next];
        if (reference !== undefined) this.#resolve(reference);
      }
    }
    return { nodes: this.#nodes, faults: this.#faults, isPlain: this.#isPlain };
  }

  #fault(steps: readonly Step[], reason: string): void {
    this.#faults.push({ pointer: pointerOf(steps), reason });
  }

  /** The node of a schema; undefined for booleans, for what is not a schema, and once the limits are reached. */
  #visit(schema: Json | undefined, steps: readonly Step[], outer: SchemaResource): SchemaNode | undefined {
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
    const resource = this.#identify(schema, steps, outer);
    const node: SchemaNode = { index: this.#nodes.length, schema, steps, edges: [], resource, booleans: new Map() };
    this.#nodes.push(node);
    this.#byObject.set(schema, node);
    for (const keyword of REFERENCES) {
      if (!Object.hasOwn(schema, keyword) || !assertsIn(keyword, this.#draft)) continue;
      this.#references.push({ from: node, keyword, resource });
    }
    const isReferenceOnly = referencesStandAlone(this.#draft) && Object.hasOwn(schema, "$ref");
    for (const [keyword, value] of Object.entries(schema)) {
      const applicator = applicatorIn(keyword, this.#draft);
      // Where a reference stands alone, what is beside it applies to nothing.
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
    resource: SchemaResource,
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
        else if (itemsMayBeList(this.#draft)) for (const [index, schema] of value.entries()) child(schema, index);
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
  #identify(schema: SchemaObject, steps: readonly Step[], outer: SchemaResource): SchemaResource {
    const id = this.#idOf(schema);
    let resource = outer;
    if (id?.startsWith("#")) this.#name(outer, id.slice(1), schema, [...steps, idKeyword(this.#draft)]);
    else if (id !== undefined && schema !== outer.root) {
      this.#isPlain = false;
      const uri = resolveUri(id, outer.uri)?.address;
      if (uri === undefined)
        this.#fault([...steps, idKeyword(this.#draft)], "must be a URI, or relative to the one around it");
      else if (this.#resources.has(uri))
        this.#fault([...steps, idKeyword(this.#draft)], "is the $id of another part of the schema, too");
      else resource = this.#open(schema, steps, uri);
    }
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      const anchor = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
      if (typeof anchor !== "string" || !isKnownIn(keyword, this.#draft)) continue;
      this.#name(resource, anchor, schema, [...steps, keyword]);
      if (keyword !== "$dynamicAnchor") continue;
      this.#isPlain = false;
      resource.dynamicAnchors.set(anchor, schema);
    }
    // In 2019-09 the root of a part is the one place that may be looked for dynamically, so it goes without a name.
    if (this.#draft === "2019-09" && schema.$recursiveAnchor === true && schema === resource.root) {
      this.#isPlain = false;
      resource.dynamicAnchors.set("", schema);
    }
    return resource;
  }

  #open(root: SchemaObject, steps: readonly Step[], uri: string): SchemaResource {
    const resource = { root, steps, uri, anchors: new Map(), dynamicAnchors: new Map() };
    this.#resources.set(uri, resource);
    return resource;
  }

  #name(resource: SchemaResource, anchor: string, schema: SchemaObject, steps: readonly Step[]): void {
    const known = resource.anchors.get(anchor);
    if (known !== undefined && known !== schema) this.#fault(steps, "names another part of the schema, too");
    resource.anchors.set(anchor, schema);
  }

  /** Where a reference stands alone, an `$id` beside it is none. */
  #idOf(schema: SchemaObject): string | undefined {
    if (referencesStandAlone(this.#draft) && Object.hasOwn(schema, "$ref")) return undefined;
    return idOf(schema, idKeyword(this.#draft));
  }

  #resolve(reference: Reference): void {
    const { from, keyword, resource } = reference;
    const target = this.#target(reference);
    if (target.kind === "none") {
      this.#fault([...from.steps, keyword], target.reason);
      return;
    }
    if (typeof target.schema === "boolean") from.booleans.set(keyword, target.schema);
    const node = this.#visit(target.schema, target.steps, target.within);
    const ref = `${keyword} ${resource.steps.join("/")} ${String(from.schema[keyword])}`;
    const dynamic = target.dynamic === undefined ? {} : { dynamic: target.dynamic };
    if (node !== undefined) from.edges.push({ to: node.index, reach: "place", ref, keyword, ...dynamic });
  }

  #target({ from, keyword, resource }: Reference): Target {
    const ref = from.schema[keyword];
    if (typeof ref !== "string") return { kind: "none", reason: "must be text" };
    const resolved = ref === "" ? undefined : resolveUri(ref, resource.uri);
    const within = resolved === undefined ? undefined : this.#resources.get(resolved.address);
    if (resolved === undefined || within === undefined) {
      return { kind: "none", reason: "leads out of its schema; only references within it (#/$defs/name) are followed" };
    }
    const { fragment } = resolved;
    if (keyword === "$recursiveRef" && ref !== "#") return { kind: "none", reason: 'must be "#"' };
    if (keyword !== "$ref" || !/^#(?:\/|$)/.test(ref)) this.#isPlain = false;
    const found = this.#find(within, fragment);
    if (found === undefined) return { kind: "none", reason: "leads to a place that is not in its schema" };
    const isDynamic = keyword !== "$ref" && within.dynamicAnchors.has(fragment);
    return { kind: "found", within, ...found, ...(isDynamic ? { dynamic: fragment } : {}) };
  }

  #find(resource: SchemaResource, fragment: string): { schema: Json; steps: readonly Step[] } | undefined {
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

function idOf(schema: SchemaObject, keyword: "$id" | "id"): string | undefined {
  const id = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  return typeof id === "string" && id !== "" && id !== "#" ? id : undefined;
}

/** Stands for the URI of a schema that names none; nothing outside can be relative to it. */
const NO_URI = "toolgate-schema:///";

/** A reference against the URI that it is relative to, RFC 3986 section 5; nothing where it is no reference. */
function resolveUri(
  reference: string,
  base: string,
): { readonly address: string; readonly fragment: string } | undefined {
  const hash = reference.indexOf("#");
  const fragment = hash < 0 ? "" : reference.slice(hash + 1);
  const before = hash < 0 ? reference : reference.slice(0, hash);
  if (before === "") return { address: base, fragment };
  return URL.canParse(before, base) ? { address: new URL(before, base).href, fragment } : undefined;
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}
