import type { Contract, JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { exactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { JsonText } from "../json/scan-json.js";
import { CompiledSchema, type CompileOptions } from "./compiler.js";
import { type Gated, gateSchema, type SchemaLimits } from "./gate.js";
import { compileGated } from "./inspect-schema.js";
import { tellsNumbersApart } from "./number-keywords.js";
import type { SchemaFault } from "./schema-graph.js";
import type { SchemaWorker } from "./schema-worker.js";
import { unjudged, VALID, type Validation } from "./validation.js";
import { type Rates, weigh } from "./weigh.js";
import type { PoolOutcome, WorkerPool } from "./worker-pool.js";

/** How schemas are judged by: their limits, and what judges values that are too costly for the event loop. */
export interface Judging {
  readonly limits: SchemaLimits;
  readonly pool: WorkerPool;
  /** The work for compiling a schema, in milliseconds of CPU time. */
  readonly compileCpuMs: number;
  /** The work for judging a small value, in milliseconds of CPU time; each MiB of a value adds twice as much. */
  readonly judgeCpuMs: number;
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
const EXACT_PER_BYTE = 8;
/** How many times as much judging costs that sees numbers as they were written. */
const EXACT_FACTOR = 8;
/** How much of the work for a small value each MiB of a value adds. */
const WORK_PER_MIB = 2;
/** How often a schema is prepared for one value: the worker may have forgotten it, but not at once again. */
const MAX_PREPARATIONS = 2;

/**
 * The validators of one contract, each compiled when its first value comes: a contract may have 118 tools of which three
 * are called, and compiling all at once would hold up the event loop.
 *
 * A cheap schema judges small values at once, on the event loop. A costly schema, or a value that is large for what its
 * schema does, is judged in a worker. Schemas cannot see each other, not even within the contract: each has an Ajv of
 * its own, and references by `$id` reach nothing outside of their schema.
 */
export class ContractValidators {
  readonly #digest: Digest;
  readonly #toolset: string;
  readonly #judges: Record<Direction, Map<string, Judge>> = { payload: new Map(), result: new Map() };
  readonly #tools: ReadonlySet<string>;
  readonly #assertFormats: boolean;
  readonly #judging: Judging;
  readonly #onCompiled: () => void;

  constructor(digest: Digest, contract: Contract, judging: Judging, onCompiled: () => void) {
    this.#digest = digest;
    this.#toolset = contract.name;
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
   * Judges a payload by its tool's payload schema; a promise only where a worker is needed. Without a verdict (too much work, too
   * much to do, a schema that does not pass this node's gate) it is `unjudged`; a promise does not reject.
   *
   * @param usefulMs asked, where a worker is needed, for how long the verdict is of use, in milliseconds; undefined: without a limit.
   * @throws ToolgateError UNKNOWN_TOOL
   */
  payload(tool: string, text: JsonText, usefulMs?: () => number | undefined): Validation | Promise<Validation> {
    return this.#check("payload", tool, text, usefulMs);
  }

  /** The same for a result; without a result schema, any JSON is valid. */
  result(tool: string, text: JsonText, usefulMs?: () => number | undefined): Validation | Promise<Validation> {
    return this.#check("result", tool, text, usefulMs);
  }

  #check(
    direction: Direction,
    tool: string,
    text: JsonText,
    usefulMs: (() => number | undefined) | undefined,
  ): Validation | Promise<Validation> {
    const judge = this.#judge(direction, tool);
    switch (judge.kind) {
      case "none":
        return VALID;
      case "cheap": {
        const exact = text.longNumbers ? judge.exact : undefined;
        const weight = weigh(text.value, judge.rates, MAX_INLINE_WEIGHT);
        const work = exact === undefined ? weight : EXACT_FACTOR * weight + EXACT_PER_BYTE * text.bytes.length;
        if (work > MAX_INLINE_WEIGHT)
          return this.#pooled(direction, tool, judge.schema, text, exact !== undefined, usefulMs);
        const numbers = exact === undefined ? NO_EXACT_NUMBERS : exactNumbers(text);
        // Most long numbers are what a double is printed as.
        return exact === undefined || numbers.isEmpty
          ? judge.compiled.check(text.value, weight)
          : exact().check(text.value, weight, numbers);
      }
      case "costly":
        return this.#pooled(direction, tool, judge.schema, text, text.longNumbers, usefulMs);
      case "refused":
        return refused(direction, tool, judge.faults);
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

  async #pooled(
    direction: Direction,
    tool: string,
    schema: JsonSchema,
    { bytes }: JsonText,
    exactNumbers: boolean,
    usefulMs: (() => number | undefined) | undefined,
  ): Promise<Validation> {
    const { limits, pool, compileCpuMs, judgeCpuMs } = this.#judging;
    const options = { assertFormats: this.#assertFormats, exactNumbers };
    const key = `${this.#digest} ${direction}${exactNumbers ? " exact" : ""} ${tool}`;
    const work = async (worker: SchemaWorker): Promise<Validation> => {
      for (let preparations = 0; ; ) {
        if (!worker.has(key)) {
          if (++preparations > MAX_PREPARATIONS) return unjudged("too many schemas are in use at once");
          const prepared = await worker.run({ kind: "prepare", key, schema, limits, options }, compileCpuMs);
          if (prepared.kind !== "done") return unjudged(COMPILING[prepared.kind]);
          if (prepared.reply.kind === "refused") {
            const { faults } = prepared.reply;
            this.#judges[direction].set(tool, { kind: "refused", faults });
            return refused(direction, tool, faults);
          }
          this.#onCompiled();
        }
        // A copy that is handed over, as bytes: parsed there, it costs this thread less than a value that is cloned.
        const judge = { kind: "judge", key, bytes: new Uint8Array(bytes) } as const;
        const judged = await worker.run(judge, judgeCpuMs * (1 + (WORK_PER_MIB * bytes.length) / 1_048_576));
        if (judged.kind !== "done") return unjudged(JUDGING[judged.kind]);
        if (judged.reply.kind === "judged") return judged.reply.validation;
      }
    };
    const withinMs = usefulMs?.();
    const job = { toolset: this.#toolset, bytes: bytes.length, key, work };
    try {
      return verdictOf(await pool.run(withinMs === undefined ? job : { ...job, withinMs }));
    } catch (error) {
      return unjudged(error instanceof Error ? error.message : "the check failed"); // no worker starts
    }
  }
}

/** Why there is no verdict when a worker did not come to one. */
const JUDGING = {
  overran: "it takes more work to judge by its schema than a check may; make it smaller or the schema plainer",
  broke: "it takes more memory to judge by its schema than a check may; make it smaller or the schema plainer",
  starved: "the machine is too busy",
  stopped: "the node is stopping",
} as const;

const COMPILING = {
  ...JUDGING,
  overran: "its schema takes more work to compile than it may; make it plainer",
  broke: "its schema takes more memory to compile than it may; make it plainer",
} as const;

function verdictOf(outcome: PoolOutcome<Validation>): Validation {
  switch (outcome.kind) {
    case "done":
      return outcome.answer;
    case "busy":
      return unjudged("too much waits to be checked");
    case "late":
      return unjudged("there was no time left to check it");
    case "stopped":
      return unjudged(JUDGING.stopped);
    default:
      return outcome satisfies never;
  }
}

function makeJudge(
  schema: JsonSchema,
  limits: SchemaLimits,
  assertFormats: boolean,
): Exclude<Judge, { kind: "unused" }> {
  if (JSON.stringify(schema).length > MAX_CHEAP_CHARACTERS) return { kind: "costly", schema };
  const gated = gateSchema(schema, limits, assertFormats);
  if (gated.kind === "refused") return gated;
  const { cost, graph } = gated;
  if (cost.kind === "costly") return { kind: "costly", schema };
  const compiled = compileGated(gated, { assertFormats, exactNumbers: false });
  if (!(compiled instanceof CompiledSchema)) return { kind: "refused", faults: [compiled] };
  const exact = tellsNumbersApart(graph.nodes.map((node) => node.schema))
    ? onFirstUse(gated, { assertFormats, exactNumbers: true })
    : undefined;
  return { kind: "cheap", schema, compiled, rates: cost.rates, exact };
}

/** Compiles when it is first asked for: most schemas never meet a number that their values' doubles do not hold. */
function onFirstUse(gated: Extract<Gated, { kind: "passed" }>, options: CompileOptions): () => CompiledSchema {
  let compiled: CompiledSchema | undefined;
  return () => {
    compiled ??= new CompiledSchema(gated, options);
    return compiled;
  };
}

/** A schema that this node cannot use: another version of Toolgate admitted it. */
function refused(direction: Direction, tool: string, [first]: readonly SchemaFault[]): Validation {
  const where = schemaPath(tool, direction, first?.pointer ?? "");
  return unjudged(`this node cannot use ${where}, which ${first?.reason ?? "is refused"}; register the toolset again`);
}

/** Where a place of a schema is in the contract. A tool's name may have slashes, which JSON pointers escape. */
export function schemaPath(tool: string, direction: Direction, pointer: string): string {
  return `/tools/${tool.replaceAll("/", "~1")}/${direction}_schema${pointer}`;
}
