import type { JsonSchema } from "../contract/contract.js";
import { type Draft, draftOf } from "../contract/draft.js";
import type { Json } from "../json/json.js";
import { pointerOf, type Step } from "../json/pointer.js";
import { withContainedItems } from "./contained-items.js";
import type { CostRates } from "./estimate-cost.js";
import { formatCost } from "./formats.js";
import { applicatorIn, assertsIn } from "./keywords.js";
import { readPattern } from "./patterns.js";
import { type SchemaFault, type SchemaGraph, type SchemaNode, schemaGraph } from "./schema-graph.js";
import { withStaticReferences } from "./static-references.js";

/** Limits on one schema. Of 409 schemas in wide use, the largest has 12 KB, 20 levels and 122 objects. */
export interface SchemaLimits {
  /** Its JSON, in bytes. */
  readonly maxBytes: number;
  /** How deep its JSON nests. */
  readonly maxDepth: number;
  /** How many schema objects it has. */
  readonly maxSubschemas: number;
  /** How many ways lead through references and combinators from one schema to all that validate the same value. */
  readonly maxPaths: number;
  /** How much code it compiles to, in keywords, with each spelling of each reference counted as a copy of its target. */
  readonly maxCode: number;
  /** The size of all its patterns together, in instructions of the matching engine. */
  readonly maxPatternInstructions: number;
}

export const DEFAULT_SCHEMA_LIMITS: SchemaLimits = {
  maxBytes: 262_144,
  maxDepth: 64,
  maxSubschemas: 2_000,
  maxPaths: 10_000,
  maxCode: 20_000,
  maxPatternInstructions: 10_000,
};

/**
 * What validating by a schema costs. `cheap`: it compiles within a few milliseconds, and validates a value within a time that
 * the rates bound, so it may run on the event loop while the value is small enough. `costly`: neither is known.
 */
export type Cost = { readonly kind: "cheap"; readonly rates: CostRates } | { readonly kind: "costly" };

/** What the policy says of a schema. */
export type PolicyResult =
  | {
      readonly kind: "passed";
      readonly draft: Draft;
      readonly cost: Cost;
      /** The schema to validate by: another one than the author's where that has what Ajv does not validate rightly. */
      readonly schema: JsonSchema;
      readonly graph: SchemaGraph;
      /** The author's schema as a graph. */
      readonly source: SchemaGraph;
    }
  | {
      readonly kind: "refused";
      readonly faults: readonly SchemaFault[];
      /** Its draft, where it is known and the schema is small enough to be looked at further. */
      readonly draft: Draft | undefined;
    };

/** The most code of which an event loop makes functions; what Ajv makes of less is measured when it is there. */
const CHEAP_CODE = 800;
const CHEAP_PATTERN_INSTRUCTIONS = 2_000;
/** Over these rates not even a small value is validated on the event loop. */
const CHEAP_PER_VALUE = 100_000;
/** What a pattern's instruction costs per character, in units of roughly 10 ns, where the engine's cache does not help. */
const PER_INSTRUCTION = 3;
/** From here on Ajv loops over `enum` and `required` instead of writing each member out. */
export const LOOP_FROM = 20;

/** Keywords whose values are data; `{"$data": ...}` elsewhere is Ajv's extension, which would let payloads make rules. */
const MAY_BE_OBJECT = new Set(["default", "examples"]);

/**
 * The static policy: validates a schema by looking at it, before any of it is compiled. Pure, and linear in the schema.
 *
 * It refuses what would harm the process or mislead an author: schemas over the limits, other drafts, references that
 * leave the schema or go round in a circle, patterns that no engine takes, `$async` and `$data` (extensions of
 * Ajv: a validator that is asynchronous would answer with a promise, which is truthy), and keys that name prototypes.
 *
 * @param assertFormats whether formats cost something.
 */
export function checkSchemaPolicy(
  schema: JsonSchema,
  limits: SchemaLimits = DEFAULT_SCHEMA_LIMITS,
  assertFormats = false,
): PolicyResult {
  const early = sizeFault(schema, limits);
  if (early !== undefined) return refused(undefined, early);
  const draft = draftOf(schema);
  if (draft.kind === "unknown") {
    return refused(undefined, {
      pointer: "/$schema",
      reason:
        'must name draft 2020-12 ("https://json-schema.org/draft/2020-12/schema"), 2019-09, draft-07, draft-06 or draft-04',
    });
  }
  const source = schemaGraph(schema, draft.draft, limits.maxSubschemas);
  const faults = [...source.faults];
  const patterns = new PatternSizes(limits.maxPatternInstructions);
  for (const node of source.nodes) inspectNode(node, node.index === 0, draft.draft, patterns, faults);
  if (patterns.areTooMany) {
    faults.push({ pointer: "", reason: "must have fewer or shorter patterns and counted repetitions" });
  }
  if (faults.length > 0) return refused(draft.draft, ...faults);
  const effective = effectiveSchema(schema, source, draft.draft, limits);
  if (effective.kind === "refused") return refused(draft.draft, ...effective.faults);
  const { graph } = effective;

  const order = placesInOrder(graph);
  if (order.kind === "circle") {
    return refused(draft.draft, {
      pointer: pointerOf(effective.stepsOf(order.node)),
      reason: "refers to itself for one and the same value, without end",
    });
  }
  const crowded = crowdedNode(graph, order.nodes, limits.maxPaths);
  if (crowded !== undefined) {
    const reason = `must lead by at most ${limits.maxPaths} ways through references and combinators to what validates one value`;
    return refused(draft.draft, { pointer: pointerOf(effective.stepsOf(crowded)), reason });
  }
  const code = codeSize(graph, draft.draft);
  if (code > limits.maxCode) {
    return refused(draft.draft, {
      pointer: "",
      reason: `must compile to at most ${limits.maxCode} keywords, with the targets of differently written references counted again`,
    });
  }
  const isPlain = !patterns.backtracks && code <= CHEAP_CODE && patterns.total <= CHEAP_PATTERN_INSTRUCTIONS;
  const rates = isPlain
    ? ratesOf(graph, order.nodes, { patterns: patterns.sizes, assertFormats }, limits.maxDepth)
    : undefined;
  return {
    kind: "passed",
    draft: draft.draft,
    cost: rates === undefined ? { kind: "costly" } : { kind: "cheap", rates },
    schema: effective.schema,
    graph,
    source,
  };
}

/** The schema to validate by, and where its nodes were in the author's. */
type EffectiveSchema =
  | {
      readonly kind: "schema";
      readonly schema: JsonSchema;
      readonly graph: SchemaGraph;
      readonly stepsOf: (node: SchemaNode) => readonly Step[];
    }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

/** Most schemas are validated by as they are. */
function effectiveSchema(schema: JsonSchema, source: SchemaGraph, draft: Draft, limits: SchemaLimits): EffectiveSchema {
  let [effective, graph] = [schema, source];
  let stepsOf = (node: SchemaNode): readonly Step[] => node.steps;
  if (!source.isPlain) {
    const written = withStaticReferences(draft, source, limits.maxSubschemas);
    if ("reason" in written) return { kind: "refused", faults: [written] };
    effective = written.schema;
    graph = schemaGraph(effective, draft, limits.maxSubschemas);
    stepsOf = (node) => written.origins.get(node.schema) ?? node.steps;
  }
  if (draft === "2020-12" && ["unevaluatedItems", "contains"].every((keyword) => hasKeyword(graph, keyword))) {
    const contained = withContainedItems(effective, graph, stepsOf);
    if (Array.isArray(contained)) return { kind: "refused", faults: contained };
    effective = contained as JsonSchema; // the faults are a list
    graph = schemaGraph(effective, draft, limits.maxSubschemas);
  }
  return { kind: "schema", schema: effective, graph, stepsOf };
}

function hasKeyword(graph: SchemaGraph, keyword: string): boolean {
  return graph.nodes.some((node) => Object.hasOwn(node.schema, keyword));
}

function refused(draft: Draft | undefined, ...faults: SchemaFault[]): PolicyResult {
  return { kind: "refused", faults, draft };
}

/** Looks at size and depth first, so that nothing after this meets a schema that is too large to walk through. */
function sizeFault(schema: JsonSchema, limits: SchemaLimits): SchemaFault | undefined {
  const tooDeep = deepPlace(schema, limits.maxDepth, []);
  if (tooDeep !== undefined)
    return { pointer: pointerOf(tooDeep), reason: `must nest at most ${limits.maxDepth} levels deep` };
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  return bytes > limits.maxBytes ? { pointer: "", reason: `must be at most ${limits.maxBytes} bytes long` } : undefined;
}

function deepPlace(value: Json, left: number, steps: Step[]): readonly Step[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (left === 0) return steps;
  for (const key of Object.keys(value)) {
    steps.push(key);
    const found = deepPlace((value as { readonly [key: string]: Json })[key] ?? null, left - 1, steps); // its own key
    if (found !== undefined) return found;
    steps.pop();
  }
  return undefined;
}

/** The patterns of a schema by their size. Compiling them takes up to 4 µs an instruction, so it ends at the limit. */
class PatternSizes {
  readonly sizes = new Map<string, number>();
  readonly #max: number;
  #total = 0;
  #backtracks = false;

  constructor(max: number) {
    this.#max = max;
  }

  /** The instructions of all together. */
  get total(): number {
    return this.#total;
  }

  /** One of them may take for ever on a text. */
  get backtracks(): boolean {
    return this.#backtracks;
  }

  get areTooMany(): boolean {
    return this.#total > this.#max;
  }

  /** Adds a pattern, and says why it is refused if it is. */
  add(pattern: string): string | undefined {
    if (this.sizes.has(pattern) || this.areTooMany) return undefined;
    const read = readPattern(pattern);
    if (read.kind === "refused") return read.reason;
    // What backtracks has no instructions that could be counted: its characters stand for them.
    const size = read.kind === "ok" ? read.instructions : pattern.length;
    if (read.kind === "backtracking") this.#backtracks = true;
    this.sizes.set(pattern, size);
    this.#total += size;
    return undefined;
  }
}

function inspectNode(
  node: SchemaNode,
  isRoot: boolean,
  draft: Draft,
  patterns: PatternSizes,
  faults: SchemaFault[],
): void {
  const fault = (keys: readonly Step[], reason: string) =>
    faults.push({ pointer: pointerOf([...node.steps, ...keys]), reason });
  const pattern = (text: string, keys: readonly Step[]) => {
    const reason = patterns.add(text);
    if (reason !== undefined) fault(keys, reason);
  };
  for (const [keyword, value] of Object.entries(node.schema)) {
    if (keyword === "$async") fault([keyword], "is not allowed: validators are synchronous");
    if (keyword === "__proto__") fault([keyword], "is not allowed");
    if (keyword === "enum" && Array.isArray(value) && value.length === 0)
      fault([keyword], "must list at least one value");
    if (keyword === "$schema" && !isRoot) {
      const named = draftOf(node.schema);
      if (named.kind === "unknown" || named.draft !== draft)
        fault([keyword], "must be the draft of the whole schema, or be left out");
    }
    if (isDataReference(value) && !MAY_BE_OBJECT.has(keyword) && applicatorIn(keyword, draft) === undefined) {
      fault([keyword], "must be a value; $data references are not allowed");
    }
    if (keyword === "pattern" && typeof value === "string") pattern(value, [keyword]);
    if (keyword === "patternProperties" && typeof value === "object" && value !== null) {
      for (const text of Object.keys(value)) pattern(text, [keyword, text]);
    }
    for (const keys of protoNames(keyword, value)) {
      fault([keyword, ...keys], "is not allowed: no value may have a property of that name");
    }
    if (
      applicatorIn(keyword, draft)?.shape === "map" &&
      typeof value === "object" &&
      value !== null &&
      Object.hasOwn(value, "__proto__")
    ) {
      fault([keyword, "__proto__"], "is not allowed");
    }
  }
}

/** Where a keyword asks for a property `__proto__`, which no text may have: see read-json.ts. */
function protoNames(keyword: string, value: Json): Step[][] {
  const lists: [Step[], Json][] = [];
  if (keyword === "required") lists.push([[], value]);
  if ((keyword === "dependentRequired" || keyword === "dependencies") && typeof value === "object" && value !== null) {
    for (const [name, names] of Object.entries(value)) lists.push([[name], names]);
  }
  return lists.flatMap(([keys, names]) => {
    const index = Array.isArray(names) ? names.indexOf("__proto__") : -1;
    return index < 0 ? [] : [[...keys, index]];
  });
}

function isDataReference(value: Json): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "$data");
}

/** The nodes sorted so that each comes before those that validate the same value for it; or a circle among them. */
function placesInOrder(
  graph: SchemaGraph,
): { kind: "order"; nodes: readonly SchemaNode[] } | { kind: "circle"; node: SchemaNode } {
  const state = new Uint8Array(graph.nodes.length); // 0 new, 1 open, 2 done
  const done: SchemaNode[] = [];
  for (const start of graph.nodes) {
    // Iterative: a chain of references may be as long as there are subschemas.
    const open: { node: SchemaNode; next: number }[] = state[start.index] === 0 ? [{ node: start, next: 0 }] : [];
    state[start.index] ||= 1;
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const edge = top.node.edges[top.next++];
      if (edge === undefined) {
        state[top.node.index] = 2;
        done.push(top.node);
        open.pop();
        continue;
      }
      const node = edge.reach === "place" ? graph.nodes[edge.to] : undefined;
      if (node === undefined || state[node.index] === 2) continue;
      if (state[node.index] === 1) return { kind: "circle", node };
      state[node.index] = 1;
      open.push({ node, next: 0 });
    }
  }
  return { kind: "order", nodes: done.reverse() };
}

/** The innermost node from which too many ways lead to what validates the same value. */
function crowdedNode(graph: SchemaGraph, order: readonly SchemaNode[], maxPaths: number): SchemaNode | undefined {
  const paths = new Float64Array(graph.nodes.length);
  for (const node of [...order].reverse()) {
    let sum = 1;
    for (const edge of node.edges) if (edge.reach === "place") sum += paths[edge.to] ?? 0;
    if (sum > maxPaths) return node;
    paths[node.index] = sum;
  }
  return undefined;
}

/** How much Ajv writes for a schema: its own keywords, once in place and once more for each spelling of a reference. */
function codeSize(graph: SchemaGraph, draft: Draft): number {
  const sizes = new Float64Array(graph.nodes.length).fill(-1);
  const sizeOf = (node: SchemaNode): number => {
    const known = sizes[node.index] ?? -1;
    if (known >= 0) return known;
    let size = 1;
    for (const [keyword, value] of Object.entries(node.schema)) {
      if (!assertsIn(keyword, draft)) continue;
      size++;
      if (Array.isArray(value)) size += Math.min(value.length, LOOP_FROM) / 4;
      else if (typeof value === "object" && value !== null && applicatorIn(keyword, draft) !== undefined)
        size += Object.keys(value).length / 4;
    }
    // The depth limit bounds this recursion: only subschemas are counted, and they nest as the JSON does.
    for (const edge of node.edges) {
      const child = graph.nodes[edge.to];
      if (edge.ref === undefined && edge.reach !== "held" && child !== undefined) size += sizeOf(child);
    }
    sizes[node.index] = size;
    return size;
  };
  const root = graph.nodes[0];
  let sum = root === undefined ? 0 : sizeOf(root);
  const seen = new Set<string>();
  for (const node of graph.nodes) {
    for (const edge of node.edges) {
      const target = graph.nodes[edge.to];
      if (edge.ref === undefined || seen.has(edge.ref) || target === undefined) continue;
      seen.add(edge.ref);
      sum += sizeOf(target);
    }
  }
  return sum;
}

/** How often each schema, by its index, validates one value. */
type Times = ReadonlyMap<number, number>;

/**
 * Bounds what one value, at any depth of an instance, costs.
 *
 * Level by level, it counts how often each schema validates one value there. A value is reached in one way only: as an item,
 * as the property of one name, or as a property's name. So for each such way it adds up what arrives, and keeps for each
 * schema the greatest number of all ways: more than that validates no value, whatever the instance looks like. A schema that
 * refers to itself twice in one way doubles with each level, which soon is over the bound.
 */
function ratesOf(
  graph: SchemaGraph,
  order: readonly SchemaNode[],
  costs: Costs,
  maxDepth: number,
): CostRates | undefined {
  const own = graph.nodes.map((node) => ownRates(node, costs));
  const places = placesOf(order);
  const rates = { perValue: 1, perChar: 0 };
  const count = (times: Times, base: CostRates): CostRates => {
    const sum = { ...base };
    for (const [index, number] of times) {
      sum.perValue += number * (own[index]?.perValue ?? 0);
      sum.perChar += number * (own[index]?.perChar ?? 0);
    }
    rates.perValue = Math.max(rates.perValue, sum.perValue);
    rates.perChar = Math.max(rates.perChar, sum.perChar);
    return sum;
  };
  const none: CostRates = { perValue: 0, perChar: 0 };

  let level: Times = places[0] ?? new Map();
  count(level, none);
  for (let depth = 0; depth <= maxDepth && rates.perValue <= CHEAP_PER_VALUE; depth++) {
    const ways = waysDown(graph, level, places);
    count(ways.items, none);
    count(ways.names, none);
    const wild = count(ways.wild, none);
    const named = new Map<number, number>();
    for (const way of ways.named.values()) {
      count(way, wild);
      for (const [index, number] of way) named.set(index, Math.max(named.get(index) ?? 0, number));
    }
    const next = new Map<number, number>(named);
    for (const [index, number] of ways.wild) next.set(index, (next.get(index) ?? 0) + number);
    for (const way of [ways.items, ways.names]) {
      for (const [index, number] of way) next.set(index, Math.max(next.get(index) ?? 0, number));
    }
    // What does not grow any more never will.
    if ([...next].every(([index, number]) => number <= (level.get(index) ?? 0))) break;
    level = next;
  }
  return rates.perValue <= CHEAP_PER_VALUE ? rates : undefined;
}

/** For each schema: what validates a value for it, itself included, and by how many ways. */
function placesOf(order: readonly SchemaNode[]): Times[] {
  const places: Times[] = [];
  for (const node of [...order].reverse()) {
    const sums = new Map([[node.index, 1]]);
    for (const edge of node.edges) if (edge.reach === "place") addTo(sums, places[edge.to], 1);
    places[node.index] = sums;
  }
  return places;
}

/** What arrives at values one level further down, by the way on which they are reached. */
function waysDown(graph: SchemaGraph, level: Times, places: readonly Times[]) {
  const ways = {
    items: new Map<number, number>(),
    names: new Map<number, number>(),
    wild: new Map<number, number>(),
    named: new Map<string, Map<number, number>>(),
  };
  for (const [index, times] of level) {
    for (const edge of graph.nodes[index]?.edges ?? []) {
      const arriving = places[edge.to];
      if (edge.reach === "array") addTo(ways.items, arriving, times);
      else if (edge.reach === "keys") addTo(ways.names, arriving, times);
      else if (edge.reach === "wild") addTo(ways.wild, arriving, times);
      else if (edge.reach === "named") {
        const way = ways.named.get(edge.name ?? "") ?? new Map<number, number>();
        ways.named.set(edge.name ?? "", way);
        addTo(way, arriving, times);
      }
    }
  }
  return ways;
}

function addTo(sums: Map<number, number>, more: Times | undefined, times: number): void {
  for (const [index, number] of more ?? []) sums.set(index, (sums.get(index) ?? 0) + number * times);
}

/** What the cost of a keyword depends on beside it. */
interface Costs {
  /** Patterns, by their size in instructions. */
  readonly patterns: ReadonlyMap<string, number>;
  readonly assertFormats: boolean;
}

const NO_COST: CostRates = { perValue: 0, perChar: 0 };
/** What an error costs that a branch of `anyOf` or its kin leaves behind until another one fits, in units of roughly 10 ns. */
const PER_BRANCH = 15;
const BRANCHING = new Set(["anyOf", "oneOf", "not", "if"]);

/**
 * What a schema's own keywords cost for one value, in units of roughly 10 ns. An estimate: what Ajv makes of a schema is measured
 * after it (prepare-schema.ts), and the greater of both counts.
 */
function ownRates(node: SchemaNode, { patterns, assertFormats }: Costs): CostRates {
  let perValue = 2;
  let perChar = 0;
  for (const [keyword, value] of Object.entries(node.schema)) {
    if (keyword === "enum" || keyword === "const") perValue += partsOf(value);
    else if (keyword === "dependentRequired" || keyword === "dependencies") perValue += namesIn(value);
    else if (BRANCHING.has(keyword)) perValue += PER_BRANCH * (Array.isArray(value) ? value.length : 1);
    else if (Array.isArray(value)) perValue += value.length;
    else if (typeof value === "object" && value !== null) perValue += Object.keys(value).length;
    if (keyword === "pattern" && typeof value === "string") perChar += PER_INSTRUCTION * (patterns.get(value) ?? 0);
    else if (keyword === "patternProperties" && typeof value === "object" && value !== null) {
      for (const text of Object.keys(value)) perChar += PER_INSTRUCTION * (patterns.get(text) ?? 0);
    } else if (keyword === "format") {
      const cost = assertFormats ? formatCost(value) : NO_COST;
      perValue += cost.perValue;
      perChar += cost.perChar;
    } else if (keyword === "minLength" || keyword === "maxLength") perChar += 0.2;
    // Each item that does not fit leaves an error behind, until one does.
    else if (keyword === "contains") perValue += 10;
    // Of what is no integer, decimals are divided.
    else if (keyword === "multipleOf") perValue += 40;
    else if (keyword === "uniqueItems") {
      // The canonical JSON of each item, which may hold such arrays in turn.
      perValue += 500;
      perChar += 5;
    }
  }
  return { perValue, perChar };
}

/** How many properties lists of names ask for, and how many ask. */
function namesIn(value: Json): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, names) => sum + 1 + (Array.isArray(names) ? names.length : 0), 0);
}

function partsOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 1;
  let sum = 1;
  for (const member of Object.values(value)) sum += partsOf(member);
  return sum;
}
