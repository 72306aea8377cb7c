import type { JsonSchema } from "../contract/contract.js";
import { type Draft, referencesStandAlone } from "../contract/draft.js";
import type { Step } from "../json/pointer.js";
import { assertsIn } from "./keywords.js";
import { EXACT_INTEGER } from "./number-checks.js";
import type { SchemaGraph, SchemaNode } from "./schema-graph.js";

/** Keywords that no validator may know: `id`, which Ajv refuses to compile even in draft-04, and what static-references.ts resolves. */
export const UNSUPPORTED_KEYWORDS: readonly string[] = ["$recursiveRef", "$recursiveAnchor", "id"];

/** Draft-04's bounds, which are flags: the keyword that each makes exclusive. */
const FLAGS = { exclusiveMinimum: "minimum", exclusiveMaximum: "maximum" } as const;

/** What is to be done to one schema object. */
interface Change {
  readonly steps: readonly Step[];
  apply(node: Record<string, unknown>): void;
}

/**
 * A schema as Ajv is to validate by it; a copy where it differs, with everything in its place, so that references and pointers hold
 * in both. The contract keeps what was registered.
 *
 * No library does this: those that lift a schema to a later draft move and rename its parts, so that a fault's pointer and a
 * reference to a moved part lead elsewhere, and rewrite what needs no change. Most of what drafts differ in is done by the
 * validator, which is without the keywords that a draft does not know (compiler.ts). What is left:
 * - OpenAPI's `nullable` is built into Ajv, which lets null in beside `type`, and refuses to compile it elsewhere; it is no
 *   keyword of any draft.
 * - Up to draft-07 a reference stands alone; Ajv validates by what is beside it, and its option against that leaves `type` in.
 * - In draft-04 `exclusiveMinimum` and `exclusiveMaximum` are flags beside `minimum` and `maximum`.
 * - Where numbers are validated as they were written, "integer" in `type` gets a keyword of ours beside it.
 */
export function ajvSchema(schema: JsonSchema, draft: Draft, graph: SchemaGraph, exactNumbers: boolean): JsonSchema {
  const changes = graph.nodes.flatMap((node) => changesOf(node, draft, exactNumbers));
  if (changes.length === 0) return schema;
  const copy = structuredClone(schema) as JsonSchema; // the clone of a schema
  for (const { steps, apply } of changes) {
    let place: unknown = copy;
    for (const step of steps) place = (place as Record<Step, unknown>)[step]; // the way that led to the node in the original
    apply(place as Record<string, unknown>); // a node, so an object
  }
  return copy;
}

function changesOf({ schema, steps }: SchemaNode, draft: Draft, exactNumbers: boolean): Change[] {
  const changes: Change[] = [];
  const isReference = referencesStandAlone(draft) && Object.hasOwn(schema, "$ref");
  const idle = Object.keys(schema).filter(
    (keyword) =>
      ["nullable", EXACT_INTEGER].includes(keyword) || (isReference && keyword !== "$ref" && assertsIn(keyword, draft)),
  );
  if (idle.length > 0) {
    changes.push({
      steps,
      apply: (node) => {
        for (const keyword of idle) delete node[keyword];
      },
    });
  }
  if (isReference) return changes;
  if (draft === "draft-04" && Object.keys(FLAGS).some((flag) => Object.hasOwn(schema, flag)))
    changes.push({ steps, apply: liftFlags });
  const types = [schema.type].flat();
  if (exactNumbers && types.includes("integer") && !types.includes("number")) {
    changes.push({
      steps,
      apply: (node) => {
        node[EXACT_INTEGER] = true;
      },
    });
  }
  return changes;
}

function liftFlags(node: Record<string, unknown>): void {
  for (const [flag, bound] of Object.entries(FLAGS)) {
    const isExclusive = node[flag] === true;
    delete node[flag];
    if (!isExclusive) continue;
    node[flag] = node[bound];
    delete node[bound];
  }
}
