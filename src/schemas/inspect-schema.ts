import type { JsonSchema } from "../contract/contract.js";
import { CompiledSchema, type CompileOptions, metaFaults } from "./compiler.js";
import type { SchemaFault } from "./schema-graph.js";
import { checkSchemaPolicy, type PolicyResult, type SchemaLimits } from "./schema-policy.js";
import { type SchemaNote, schemaNotes } from "./warnings.js";

/** The longest message of Ajv that is reported, in UTF-16 code units. */
const MAX_MESSAGE = 200;

/** A schema that can be used, with notes on what is ignored in it; or everything that is wrong with it. */
export type Inspected =
  | {
      readonly kind: "sound";
      readonly compiled: CompiledSchema;
      readonly policy: Extract<PolicyResult, { kind: "passed" }>;
      readonly notes: readonly SchemaNote[];
    }
  | { readonly kind: "faulty"; readonly faults: readonly SchemaFault[] };

/** Gate, meta-schema, compiler, in this order. May take a second for a hostile schema: for workers only. */
export function inspectSchema(schema: JsonSchema, limits: SchemaLimits, options: CompileOptions): Inspected {
  const policy = checkSchemaPolicy(schema, limits, options.assertFormats);
  const policyFaults = policy.kind === "refused" ? policy.faults : [];
  const places = new Set(policyFaults.map((fault) => fault.pointer));
  const draftFaults = policy.draft === undefined ? [] : metaFaults(schema, policy.draft);
  const faults = [...policyFaults, ...draftFaults.filter((fault) => !places.has(fault.pointer))];
  if (policy.kind === "refused" || faults.length > 0) return { kind: "faulty", faults };
  const compiled = compileAccepted(policy, options);
  if (!(compiled instanceof CompiledSchema)) return { kind: "faulty", faults: [compiled] };
  const notes = schemaNotes(policy.source.nodes, policy.draft, options.assertFormats);
  return { kind: "sound", compiled, policy, notes };
}

/** Compiles what passed the policy, or says why that failed. */
export function compileAccepted(
  policy: Extract<PolicyResult, { kind: "passed" }>,
  options: CompileOptions,
): CompiledSchema | SchemaFault {
  try {
    return new CompiledSchema(policy, options);
  } catch (error) {
    const why =
      error instanceof RangeError || !(error instanceof Error)
        ? "it is too complex"
        : error.message.slice(0, MAX_MESSAGE);
    return { pointer: "", reason: `does not compile: ${why.replace(/[\p{C}\u2028\u2029]/gu, "\ufffd")}` };
  }
}
