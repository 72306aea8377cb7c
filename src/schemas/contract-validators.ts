import type { Contract, Json, JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { CompiledSchema } from "./compiler.js";
import { gateSchema, type SchemaLimits } from "./gate.js";
import { compileGated } from "./inspect-schema.js";
import type { Sandbox } from "./sandbox.js";
import type { SchemaFault } from "./schema-graph.js";
import { invalid, VALID, type Validation } from "./validation.js";
import { type Rates, weigh } from "./weigh.js";

/** How schemas are judged by: their limits, and what judges values that are too costly for the event loop. */
export interface Judging {
  readonly limits: SchemaLimits;
  readonly sandbox: Sandbox;
  /** For compiling a schema, in milliseconds. */
  readonly compileWithinMs: number;
  /** For judging a value, in milliseconds. */
  readonly judgeWithinMs: number;
}

/**
 * How one schema is judged by.
 *
 * unused ──first value──▶ cheap | costly | refused
 */
type Judge =
  | { readonly kind: "unused"; readonly schema: JsonSchema }
  | { readonly kind: "cheap"; readonly schema: JsonSchema; readonly compiled: CompiledSchema; readonly rates: Rates }
  | { readonly kind: "costly"; readonly schema: JsonSchema }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

type Direction = "payload" | "result";

/** A schema with more characters is costly without looking: even looking takes long. Real ones have at most 12,000. */
const MAX_CHEAP_CHARACTERS = 32_768;
/** The heaviest judgement on the event loop, in units of roughly 10 ns: 20 ms where a core is slow. */
const MAX_INLINE_WEIGHT = 1_000_000;

/**
 * The validators of one contract, each compiled when its first value comes: a contract may have 118 tools of which three
 * are called, and compiling all at once would hold up the event loop.
 *
 * A cheap schema judges small values at once, on the event loop. A costly schema, or a value that is large for what its
 * schema does, is judged in the sandbox. Schemas cannot see each other, not even within the contract: each has an Ajv of
 * its own, and references by `$id` reach nothing outside of their schema.
 */
export class ContractValidators {
  readonly #digest: Digest;
  readonly #judges: Record<Direction, Map<string, Judge>> = { payload: new Map(), result: new Map() };
  readonly #tools: ReadonlySet<string>;
  readonly #judging: Judging;
  readonly #onCompiled: () => void;

  constructor(digest: Digest, contract: Contract, judging: Judging, onCompiled: () => void) {
    this.#digest = digest;
    this.#judging = judging;
    this.#onCompiled = onCompiled;
    this.#tools = new Set(contract.tools.map((tool) => tool.name));
    for (const { name, payload, result } of contract.tools) {
      this.#judges.payload.set(name, { kind: "unused", schema: payload });
      if (result !== undefined) this.#judges.result.set(name, { kind: "unused", schema: result });
    }
  }

  /** How many schemas there are. */
  get schemas(): number {
    return this.#judges.payload.size + this.#judges.result.size;
  }

  /**
   * Judges a payload by its tool's payload schema; a promise only where the sandbox is needed.
   *
   * @throws ToolgateError UNKNOWN_TOOL; INVALID_SCHEMA when the schema does not pass this node's gate, which only happens
   *   to contracts that another version of Toolgate admitted; LIMIT_EXCEEDED and NODE_DRAINING from the sandbox.
   */
  payload(tool: string, value: Json): Validation | Promise<Validation> {
    return this.#check("payload", tool, value);
  }

  /** The same for a result; without a result schema, any JSON is valid. */
  result(tool: string, value: Json): Validation | Promise<Validation> {
    return this.#check("result", tool, value);
  }

  #check(direction: Direction, tool: string, value: Json): Validation | Promise<Validation> {
    const judge = this.#judge(direction, tool);
    switch (judge.kind) {
      case "none":
        return VALID;
      case "cheap": {
        const weight = weigh(value, judge.rates, MAX_INLINE_WEIGHT);
        return weight > MAX_INLINE_WEIGHT
          ? this.#sandboxed(direction, tool, judge.schema, value)
          : judge.compiled.check(value, weight);
      }
      case "costly":
        return this.#sandboxed(direction, tool, judge.schema, value);
      case "refused":
        throw refusal(direction, tool, judge.faults);
      default:
        return judge satisfies never;
    }
  }

  #judge(direction: Direction, tool: string): Exclude<Judge, { kind: "unused" }> | { readonly kind: "none" } {
    const known = this.#judges[direction].get(tool);
    if (known === undefined) {
      if (!this.#tools.has(tool))
        throw new ToolgateError("UNKNOWN_TOOL", "the toolset has no tool of this name; look at its contract");
      return { kind: "none" };
    }
    if (known.kind !== "unused") return known;
    const judge = makeJudge(known.schema, this.#judging.limits);
    if (judge.kind === "cheap") this.#onCompiled();
    this.#judges[direction].set(tool, judge);
    return judge;
  }

  async #sandboxed(direction: Direction, tool: string, schema: JsonSchema, value: Json): Promise<Validation> {
    const { limits, sandbox, compileWithinMs, judgeWithinMs } = this.#judging;
    const key = `${this.#digest} ${direction} ${tool}`;
    // The worker may be new, or have forgotten the schema, at each step: other calls share it, and hostile ones break it.
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const judged = await sandbox.run({ kind: "judge", key, value }, judgeWithinMs);
      if (judged.kind === "overran")
        return invalid("", `took longer than ${judgeWithinMs} ms to judge by its schema; make it smaller or plainer`);
      if (judged.kind === "broke")
        return invalid("", "took too much memory to judge by its schema; make it smaller or plainer");
      if (judged.reply.kind === "judged") return judged.reply.validation;
      const prepared = await sandbox.run({ kind: "prepare", key, schema, limits }, compileWithinMs);
      if (prepared.kind !== "done")
        throw refusal(direction, tool, [{ pointer: "", reason: "takes too long or too much memory to compile" }]);
      if (prepared.reply.kind === "refused") throw refusal(direction, tool, prepared.reply.faults);
      if (prepared.reply.kind === "prepared" && attempt === 1) this.#onCompiled();
    }
    throw new ToolgateError("LIMIT_EXCEEDED", "too many costly schemas are in use at once; retry later", {
      retryAfterMs: 1_000,
    });
  }
}

/** How often a schema is prepared for one value before giving up. */
const MAX_ATTEMPTS = 4;

function makeJudge(schema: JsonSchema, limits: SchemaLimits): Exclude<Judge, { kind: "unused" }> {
  if (JSON.stringify(schema).length > MAX_CHEAP_CHARACTERS) return { kind: "costly", schema };
  const gated = gateSchema(schema, limits);
  if (gated.kind === "refused") return gated;
  if (gated.cost.kind === "costly") return { kind: "costly", schema };
  const compiled = compileGated(schema, gated);
  return compiled instanceof CompiledSchema
    ? { kind: "cheap", schema, compiled, rates: gated.cost.rates }
    : { kind: "refused", faults: [compiled] };
}

function refusal(direction: Direction, tool: string, faults: readonly SchemaFault[]): ToolgateError {
  const violations = faults.map(({ pointer, reason }) => ({
    field: schemaPath(tool, direction, pointer),
    description: reason,
  }));
  const first = violations[0];
  return new ToolgateError(
    "INVALID_SCHEMA",
    `a schema that is registered cannot be used on this node: ${first?.field} ${first?.description}; register the toolset again`,
    { violations },
  );
}

/** Where a place of a schema is in the contract. A tool's name may have slashes, which JSON pointers escape. */
export function schemaPath(tool: string, direction: Direction, pointer: string): string {
  return `/tools/${tool.replaceAll("/", "~1")}/${direction}_schema${pointer}`;
}
