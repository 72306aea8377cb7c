import type { Contract, JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { exactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { JsonText } from "../json/scan-json.js";
import { CompiledSchema, type CompileOptions } from "./compiler.js";
import { type Gated, gateSchema, type SchemaLimits } from "./gate.js";
import { compileGated } from "./inspect-schema.js";
import { tellsNumbersApart } from "./number-keywords.js";
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
  | CheapJudge
  | { readonly kind: "costly"; readonly schema: JsonSchema }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

interface CheapJudge {
  readonly kind: "cheap";
  readonly schema: JsonSchema;
  readonly compiled: CompiledSchema;
  readonly rates: Rates;
  /** Judges values whose numbers have to be seen as they were written; nothing where that makes no difference. */
  readonly exact: (() => CompiledSchema) | undefined;
}

type Direction = "payload" | "result";

/** A schema with more characters is costly without looking: even looking takes long. Real ones have at most 12,000. */
const MAX_CHEAP_CHARACTERS = 32_768;
/** The heaviest judgement on the event loop, in units of roughly 10 ns: 20 ms where a core is slow. */
const MAX_INLINE_WEIGHT = 1_000_000;
/** What looking for numbers that a double does not hold costs for a byte of the text, in the same units. */
const EXACT_PER_BYTE = 3;

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
  readonly #assertFormats: boolean;
  readonly #judging: Judging;
  readonly #onCompiled: () => void;

  constructor(digest: Digest, contract: Contract, judging: Judging, onCompiled: () => void) {
    this.#digest = digest;
    this.#judging = judging;
    this.#onCompiled = onCompiled;
    this.#assertFormats = contract.assertFormats ?? false;
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
  payload(tool: string, text: JsonText): Validation | Promise<Validation> {
    return this.#check("payload", tool, text);
  }

  /** The same for a result; without a result schema, any JSON is valid. */
  result(tool: string, text: JsonText): Validation | Promise<Validation> {
    return this.#check("result", tool, text);
  }

  #check(direction: Direction, tool: string, text: JsonText): Validation | Promise<Validation> {
    const judge = this.#judge(direction, tool);
    switch (judge.kind) {
      case "none":
        return VALID;
      case "cheap": {
        const exact = text.longNumbers ? judge.exact : undefined;
        const base = weigh(text.value, judge.rates, MAX_INLINE_WEIGHT);
        const weight = exact === undefined ? base : base + EXACT_PER_BYTE * text.bytes.length;
        if (weight > MAX_INLINE_WEIGHT)
          return this.#sandboxed(direction, tool, judge.schema, text, exact !== undefined);
        const numbers = exact === undefined ? NO_EXACT_NUMBERS : exactNumbers(text);
        // Most long numbers are what a double is printed as.
        return exact === undefined || numbers.isEmpty
          ? judge.compiled.check(text.value, weight)
          : exact().check(text.value, weight, numbers);
      }
      case "costly":
        return this.#sandboxed(direction, tool, judge.schema, text, text.longNumbers);
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
    const judge = makeJudge(known.schema, this.#judging.limits, this.#assertFormats);
    if (judge.kind === "cheap") this.#onCompiled();
    this.#judges[direction].set(tool, judge);
    return judge;
  }

  async #sandboxed(
    direction: Direction,
    tool: string,
    schema: JsonSchema,
    { bytes }: JsonText,
    exactNumbers: boolean,
  ): Promise<Validation> {
    const { limits, sandbox, compileWithinMs, judgeWithinMs } = this.#judging;
    const options = { assertFormats: this.#assertFormats, exactNumbers };
    const key = `${this.#digest} ${direction}${exactNumbers ? " exact" : ""} ${tool}`;
    // The worker may be new, or have forgotten the schema, at each step: other calls share it, and hostile ones break it.
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const judged = await sandbox.run({ kind: "judge", key, bytes }, judgeWithinMs);
      if (judged.kind === "overran")
        return invalid("", `took longer than ${judgeWithinMs} ms to judge by its schema; make it smaller or plainer`);
      if (judged.kind === "broke")
        return invalid("", "took too much memory to judge by its schema; make it smaller or plainer");
      if (judged.reply.kind === "judged") return judged.reply.validation;
      const prepared = await sandbox.run({ kind: "prepare", key, schema, limits, options }, compileWithinMs);
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

function makeJudge(
  schema: JsonSchema,
  limits: SchemaLimits,
  assertFormats: boolean,
): Exclude<Judge, { kind: "unused" }> {
  if (JSON.stringify(schema).length > MAX_CHEAP_CHARACTERS) return { kind: "costly", schema };
  const gated = gateSchema(schema, limits);
  if (gated.kind === "refused") return gated;
  const { cost, graph } = gated;
  if (cost.kind === "costly") return { kind: "costly", schema };
  const compiled = compileGated(schema, gated, { assertFormats, exactNumbers: false });
  if (!(compiled instanceof CompiledSchema)) return { kind: "refused", faults: [compiled] };
  const exact = tellsNumbersApart(graph.nodes.map((node) => node.schema))
    ? onFirstUse(schema, gated, { assertFormats, exactNumbers: true })
    : undefined;
  return { kind: "cheap", schema, compiled, rates: cost.rates, exact };
}

/** Compiles when it is first asked for: most schemas never meet a number that their values' doubles do not hold. */
function onFirstUse(
  schema: JsonSchema,
  gated: Extract<Gated, { kind: "passed" }>,
  options: CompileOptions,
): () => CompiledSchema {
  let compiled: CompiledSchema | undefined;
  return () => {
    compiled ??= new CompiledSchema(schema, gated, options);
    return compiled;
  };
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
