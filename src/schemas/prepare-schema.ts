import type { JsonSchema } from "../contract/contract.js";
import type { CompiledSchema, CompileOptions } from "./compiler.js";
import { type CostRates, estimateCost } from "./estimate-cost.js";
import { inspectSchema } from "./inspect-schema.js";
import { needsExactNumbers } from "./number-checks.js";
import { linkCode, type PortableCode } from "./portable-code.js";
import { sampleValue } from "./sample-values.js";
import type { SchemaFault, SchemaGraph } from "./schema-graph.js";
import type { SchemaLimits } from "./schema-policy.js";
import { measureThread } from "./thread-clock.js";
import type { ValueCheck } from "./value-check.js";

/** What a thread needs to validate small values by a schema that another one has compiled. */
export interface InlineValidator {
  readonly code: PortableCode;
  /** What validating costs at most, as it was measured. */
  readonly rates: CostRates;
  /** Whether it matters to the schema how numbers are written that their doubles do not hold. */
  readonly needsExactNumbers: boolean;
}

/** A schema that can be used, also on an event loop where it is cheap enough; or everything that is wrong with it. */
export type Prepared =
  | { readonly kind: "prepared"; readonly compiled: CompiledSchema; readonly inline: InlineValidator | undefined }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

/** The most code that an event loop makes functions of, in UTF-16 code units: each of the two texts takes it some milliseconds. */
const MAX_INLINE_CODE = 98_304;
/** The longest that making functions of both may take here, in milliseconds; a loop may be slower. */
const MAX_LINK_MS = 8;
/** What a unit of a rate is, in milliseconds: 10 ns. */
const UNIT_MS = 1e-5;
/** Samples of growing size: what is costly shows on the first ones. */
const SAMPLE_SIZES = [
  { values: 8, characters: 64 },
  { values: 100, characters: 8 },
  { values: 100, characters: 2_048 },
  { values: 2_000, characters: 8 },
] as const;
const SAMPLES_PER_SIZE = 4;
/** Less than this is lost in noise, in milliseconds. */
const MEASURABLE_MS = 0.5;
/** A sample that takes longer, in milliseconds, says that the schema is costly; no larger ones are tried. */
const COSTLY_SAMPLE_MS = 20;
/** No machine is so slow: from this factor on, it is the schema that was estimated wrongly. */
const COSTLY_FACTOR = 64;
/** How often a sample is validated: code is slower when it runs first, and a busy machine is slow now and then. */
const RUNS = 3;

/**
 * Compiles a schema, and measures what Ajv has made of it: how much code it is, how long that takes to be made into functions, and
 * how long it runs on samples. What an estimate by the schema alone gets wrong is corrected by that. May take seconds for a hostile
 * schema: for workers only.
 */
export function prepareSchema(schema: JsonSchema, limits: SchemaLimits, options: CompileOptions): Prepared {
  const inspected = inspectSchema(schema, limits, options);
  if (inspected.kind === "faulty") return { kind: "refused", faults: inspected.faults };
  const { compiled, policy } = inspected;
  compiled.prepareExplanations();
  const code = policy.cost.kind === "cheap" ? compiled.portableCode() : undefined;
  if (policy.cost.kind === "costly" || code === undefined) return { kind: "prepared", compiled, inline: undefined };
  const rates = measuredRates(code, policy.graph, policy.cost.rates);
  if (rates === undefined) return { kind: "prepared", compiled, inline: undefined };
  const apart = needsExactNumbers(policy.graph.nodes.map((node) => node.schema));
  return { kind: "prepared", compiled, inline: { code, rates, needsExactNumbers: apart } };
}

/** The rates, made larger where the samples took longer; nothing where the code is too much or too slow for an event loop. */
function measuredRates(code: PortableCode, graph: SchemaGraph, estimated: CostRates): CostRates | undefined {
  if (code.validate.length > MAX_INLINE_CODE || code.explain.length > MAX_INLINE_CODE) return undefined;
  let check: ValueCheck | undefined;
  const linkMs = leastMs(0, () => {
    check = linkCode(code);
    check.check(null, 0); // functions are compiled when they are called
  });
  if (check === undefined || linkMs > MAX_LINK_MS) return undefined;
  let factor = 1;
  for (const shape of SAMPLE_SIZES) {
    for (let seed = 0; seed < SAMPLES_PER_SIZE; seed++) {
      const value = sampleValue(graph, { ...shape, seed });
      const cost = estimateCost(value, estimated, Number.POSITIVE_INFINITY);
      const expectedMs = cost * UNIT_MS;
      const tookMs = leastMs(Math.max(MEASURABLE_MS, expectedMs), () => check?.check(value, cost));
      if (tookMs > MEASURABLE_MS) factor = Math.max(factor, tookMs / expectedMs);
      if (tookMs > COSTLY_SAMPLE_MS || factor > COSTLY_FACTOR) return undefined;
    }
  }
  return { perValue: estimated.perValue * factor, perChar: estimated.perChar * factor };
}

/** How much work it is at least, in milliseconds; it is done once where that is not more than it may be. */
function leastMs(enoughMs: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS && least > enoughMs; run++) {
    const tookMs = measureThread();
    work();
    least = Math.min(least, tookMs());
  }
  return least;
}
