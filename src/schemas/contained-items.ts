import type { JsonSchema } from "../contract/contract.js";
import type { Json } from "../json/json.js";
import { pointerOf, type Step } from "../json/pointer.js";
import type { SchemaFault, SchemaGraph, SchemaNode } from "./schema-graph.js";

/** What applies to the same value whatever the value is. */
const UNCONDITIONAL = new Set<Step | undefined>(["allOf"]);
/** What evaluates nothing, since it only holds where its schema does not. */
const NEGATED = "not";

/**
 * In 2020-12 the items that fit `contains` are evaluated, also for an `unevaluatedItems` around it (section 11.2 of JSON Schema Core).
 * Ajv does not note which ones they are. So the items that `unevaluatedItems` is about may fit `contains` instead. That says the
 * same where `contains` applies to each value; where it applies under a condition, the schema is refused.
 *
 * @param graph of the schema, whose references are all pointers from its root.
 * @param stepsOf where a node was in the author's schema, for faults.
 * @returns the schema, a copy where it differs; or its faults.
 */
export function withContainedItems(
  schema: JsonSchema,
  graph: SchemaGraph,
  stepsOf: (node: SchemaNode) => readonly Step[],
): JsonSchema | readonly SchemaFault[] {
  const faults: SchemaFault[] = [];
  const changes: { readonly node: SchemaNode; readonly contained: readonly string[] }[] = [];
  for (const node of graph.nodes) {
    if (!Object.hasOwn(node.schema, "unevaluatedItems")) continue;
    const { contained, isConditional } = containedAt(graph, node);
    if (isConditional) {
      const reason = "cannot be validated where contains applies under a condition; put that beside it, or into allOf";
      faults.push({ pointer: pointerOf([...stepsOf(node), "unevaluatedItems"]), reason });
    } else if (contained.length > 0) changes.push({ node, contained });
  }
  if (faults.length > 0) return faults;
  if (changes.length === 0) return schema;
  const copy = structuredClone(schema) as JsonSchema; // the clone of a schema
  for (const { node, contained } of changes) {
    let place: unknown = copy;
    for (const step of node.steps) place = (place as Record<Step, unknown>)[step]; // the way that led to the node in the original
    const changed = place as Record<string, Json>; // a node, so an object
    changed.unevaluatedItems = {
      anyOf: [...contained.map(($ref) => ({ $ref })), changed.unevaluatedItems ?? true],
    };
  }
  return copy;
}

/** The places of `contains` that apply to the same value as a schema, and whether there is one that only may. */
function containedAt(graph: SchemaGraph, start: SchemaNode): { contained: readonly string[]; isConditional: boolean } {
  const contained: string[] = [];
  const sure = new Set([start]);
  const unsure = new Set<SchemaNode>();
  for (const nodes of [sure, unsure]) {
    for (const node of nodes) {
      for (const edge of node.edges) {
        const next = graph.nodes[edge.to];
        const keyword = edge.ref === undefined ? next?.steps[node.steps.length] : "$ref";
        if (next === undefined || edge.reach !== "place" || keyword === NEGATED) continue;
        const isSure = nodes === sure && (keyword === "$ref" || UNCONDITIONAL.has(keyword));
        (isSure ? sure : unsure).add(next);
      }
    }
  }
  for (const node of sure) {
    if (Object.hasOwn(node.schema, "contains")) contained.push(referenceTo([...node.steps, "contains"]));
  }
  return {
    contained,
    isConditional: [...unsure].some((node) => !sure.has(node) && Object.hasOwn(node.schema, "contains")),
  };
}

function referenceTo(steps: readonly Step[]): string {
  return `#${steps.map((step) => `/${encodeURIComponent(String(step).replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")}`;
}
