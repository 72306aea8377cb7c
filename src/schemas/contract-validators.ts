import type { Contract, JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { exactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { JsonText } from "../json/scan-json.js";
import type { SchemaLimits } from "./gate.js";
import { linkCode } from "./portable-code.js";
import { type InlineJudge, type Prepared, prepareSchema } from "./prepare-schema.js";
import type { SchemaFault } from "./schema-graph.js";
import type { SchemaWorker } from "./schema-worker.js";
import { unjudged, VALID, type Validation } from "./validation.js";
import type { ValueCheck } from "./value-check.js";
import { type Rates, weigh } from "./weigh.js";
import type { WorkerReply } from "./worker-messages.js";
import type { PoolOutcome, WorkerPool } from "./worker-pool.js";

/** How schemas are judged by: their limits, and what judges values that are too costly for the event loop. */
export interface Judging {
  readonly limits: SchemaLimits;
  readonly pool: WorkerPool;
  /** The work for compiling a schema, in milliseconds of CPU time. */
  readonly compileCpuMs: number;
  /** The work for judging a small value, in milliseconds of CPU time; each MiB of a value adds twice as much. */
  readonly judgeCpuMs: number;
  /** Whether the schemas are this process's own, so that they are compiled where they are needed, without a worker. */
  readonly trusted: boolean;
}

/**
 * How one schema is judged by.
 *
 * unused ──first value──▶ preparing ──▶ inline | costly | refused
 *    ▲                        │
 *    └── no worker could ─────┘
 */
type Judge =
  | { readonly kind: "unused"; readonly schema: JsonSchema }
  | Preparing
  | Inline
  | { readonly kind: "costly"; readonly schema: JsonSchema }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

/** A worker compiles the schema; values wait for that together. */
interface Preparing {
  readonly kind: "preparing";
  readonly schema: JsonSchema;
  /** Why that failed, or nothing when values can be judged. Does not reject. */
  readonly end: Promise<Validation | undefined>;
}

/** Small values are judged on the event loop. */
interface Inline {
  readonly kind: "inline";
  readonly schema: JsonSchema;
  readonly check: ValueCheck;
  readonly rates: Rates;
  /** Whether it matters how numbers are written that their doubles do not hold. */
  readonly tellsNumbersApart: boolean;
  /** Judges such numbers; absent until a worker has compiled that too. */
  readonly exact: ValueCheck | undefined;
}

type Direction = "payload" | "result";

/** The heaviest judgement on the event loop, in units of roughly 10 ns: 20 ms where a core is slow. */
const MAX_INLINE_WEIGHT = 1_000_000;
/** What looking for numbers that a double does not hold costs for a byte of the text, in the same units. */
const EXACT_PER_BYTE = 8;
/** How many times as much judging costs that sees numbers as they were written. */
const EXACT_FACTOR = 8;
/** How much of the work for a small value each MiB of a value adds. */
const WORK_PER_MIB = 2;
/** How many values of a contract wait for their schemas to be compiled, and how many bytes they have. */
const MAX_AWAITING = 1_024;
const MAX_AWAITING_BYTES = 33_554_432;
/** How often a schema is prepared for one value: the worker may have forgotten it, but not at once again. */
const MAX_PREPARATIONS = 2;

/**
 * The validators of one contract, each compiled when its first value comes: a contract may have 118 tools of which three
 * are called. A worker compiles them, since what Ajv makes of a schema takes from milliseconds to seconds.
 *
 * A cheap schema then judges small values at once, on the event loop. A costly schema, or a value that is large for what its
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
  #awaiting = 0;
  #awaitingBytes = 0;

  constructor(digest: Digest, contract: Contract, judging: Judging, onCompiled: () => void) {
    this.#digest = digest;
    this.#toolset = contract.name;
    this.#judging = judging;
    this.#onCompiled = onCompiled;
    this.#assertFormats = contract.assertFormats ?? false;
    this.#tools = new Set(contract.tools.map((tool) => tool.name));
    for (const { name, payload, result } of contract.tools) {
      if (payload !== true) this.#judges.payload.set(name, { kind: "unused", schema: payload });
      if (result !== undefined && result !== true) this.#judges.result.set(name, { kind: "unused", schema: result });
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
    const judge = this.#judges[direction].get(tool);
    if (judge === undefined) {
      if (this.#tools.has(tool)) return VALID; // there is no schema, or it is true
      throw new ToolgateError("UNKNOWN_TOOL", "the toolset has no tool of this name; look at its contract");
    }
    switch (judge.kind) {
      case "unused":
        return this.#whenPrepared(this.#prepare(direction, tool, judge.schema), direction, tool, text, usefulMs);
      case "preparing":
        return this.#whenPrepared(judge, direction, tool, text, usefulMs);
      case "inline":
        return (
          this.#inline(judge, text) ?? this.#pooled(direction, tool, judge.schema, text, isExact(judge, text), usefulMs)
        );
      case "costly":
        return this.#pooled(direction, tool, judge.schema, text, text.longNumbers, usefulMs);
      case "refused":
        return refused(direction, tool, judge.faults);
      default:
        return judge satisfies never;
    }
  }

  /** The verdict, where it may be had on the event loop. */
  #inline(judge: Inline, text: JsonText): Validation | undefined {
    const mayBeExact = isExact(judge, text);
    const weight = weigh(text.value, judge.rates, MAX_INLINE_WEIGHT);
    const work = mayBeExact ? EXACT_FACTOR * weight + EXACT_PER_BYTE * text.bytes.length : weight;
    if (work > MAX_INLINE_WEIGHT) return undefined;
    const numbers = mayBeExact ? exactNumbers(text) : NO_EXACT_NUMBERS;
    // Most long numbers are what a double is printed as.
    return numbers.isEmpty ? judge.check.check(text.value, weight) : judge.exact?.check(text.value, weight, numbers);
  }

  /** Has a schema compiled; values that come meanwhile wait for the same. */
  #prepare(direction: Direction, tool: string, schema: JsonSchema): Preparing {
    const end = Promise.resolve()
      .then(() => this.#compileElsewhere(direction, tool, schema))
      .then((failed) => {
        const isOpen = this.#judges[direction].get(tool) === preparing;
        if (isOpen) this.#judges[direction].set(tool, { kind: "unused", schema }); // another value may have more luck
        return failed;
      });
    const preparing: Preparing = { kind: "preparing", schema, end };
    this.#judges[direction].set(tool, preparing);
    return preparing;
  }

  async #compileElsewhere(direction: Direction, tool: string, schema: JsonSchema): Promise<Validation | undefined> {
    const { limits, pool, compileCpuMs, trusted } = this.#judging;
    const options = { assertFormats: this.#assertFormats, exactNumbers: false };
    if (trusted) return this.#learn(direction, tool, schema, prepareSchema(schema, limits, options), false);
    const key = this.#key(direction, tool, false);
    const work = async (worker: SchemaWorker): Promise<Validation | undefined> => {
      const end = await worker.run({ kind: "prepare", key, schema, limits, options }, compileCpuMs);
      if (end.kind !== "done") return unjudged(COMPILING[end.kind]);
      return this.#learn(direction, tool, schema, end.reply, false);
    };
    try {
      const outcome = await pool.run({ toolset: this.#toolset, bytes: 0, key, work });
      return outcome.kind === "done" ? outcome.answer : verdictOf(outcome);
    } catch (error) {
      return unjudged(error instanceof Error ? error.message : "the check failed"); // no worker starts
    }
  }

  /** Takes what a worker made of a schema; a verdict where it cannot be used. */
  #learn(
    direction: Direction,
    tool: string,
    schema: JsonSchema,
    reply: WorkerReply | Prepared,
    exactNumbers: boolean,
  ): Validation | undefined {
    if (reply.kind === "refused") {
      this.#judges[direction].set(tool, { kind: "refused", faults: reply.faults });
      return refused(direction, tool, reply.faults);
    }
    if (reply.kind !== "prepared") return unjudged("the check failed");
    this.#onCompiled();
    const check = linked(reply.inline);
    const known = this.#judges[direction].get(tool);
    if (exactNumbers) {
      if (check !== undefined && known?.kind === "inline")
        this.#judges[direction].set(tool, { ...known, exact: check });
    } else if (reply.inline !== undefined && check !== undefined) {
      const { rates, tellsNumbersApart } = reply.inline;
      this.#judges[direction].set(tool, { kind: "inline", schema, check, rates, tellsNumbersApart, exact: undefined });
    } else this.#judges[direction].set(tool, { kind: "costly", schema });
    return undefined;
  }

  async #whenPrepared(
    { end }: Preparing,
    direction: Direction,
    tool: string,
    text: JsonText,
    usefulMs: (() => number | undefined) | undefined,
  ): Promise<Validation> {
    const size = text.bytes.length;
    if (this.#awaiting >= MAX_AWAITING || (this.#awaiting > 0 && this.#awaitingBytes + size > MAX_AWAITING_BYTES))
      return unjudged(TOO_MUCH_WAITS);
    this.#awaiting++;
    this.#awaitingBytes += size;
    try {
      const withinMs = usefulMs?.();
      const sinceMs = performance.now();
      const failed = await (withinMs === undefined ? end : inTime(end, withinMs));
      if (failed !== undefined) return failed;
      const left = withinMs === undefined ? undefined : withinMs - (performance.now() - sinceMs);
      return await this.#check(direction, tool, text, () => left);
    } finally {
      this.#awaiting--;
      this.#awaitingBytes -= size;
    }
  }

  #key(direction: Direction, tool: string, exactNumbers: boolean): string {
    return `${this.#digest} ${direction}${exactNumbers ? " exact" : ""} ${tool}`;
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
    const key = this.#key(direction, tool, exactNumbers);
    const work = async (worker: SchemaWorker): Promise<Validation> => {
      for (let preparations = 0; ; ) {
        if (!worker.has(key)) {
          if (++preparations > MAX_PREPARATIONS) return unjudged("too many schemas are in use at once");
          const prepared = await worker.run({ kind: "prepare", key, schema, limits, options }, compileCpuMs);
          if (prepared.kind !== "done") return unjudged(COMPILING[prepared.kind]);
          const failed = this.#learn(direction, tool, schema, prepared.reply, exactNumbers);
          if (failed !== undefined) return failed;
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

const TOO_MUCH_WAITS = "too much waits to be checked";
const TOO_LATE = "there was no time left to check it";

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
      return unjudged(TOO_MUCH_WAITS);
    case "late":
      return unjudged(TOO_LATE);
    case "stopped":
      return unjudged(JUDGING.stopped);
    default:
      return outcome satisfies never;
  }
}

/** Whether a value may have to be judged with its numbers as they were written. */
function isExact({ tellsNumbersApart }: Inline, { longNumbers }: JsonText): boolean {
  return longNumbers && tellsNumbersApart;
}

/** The functions of code that a worker found cheap; nothing where they cannot be made here. */
function linked(inline: InlineJudge | undefined): ValueCheck | undefined {
  try {
    return inline === undefined ? undefined : linkCode(inline.code);
  } catch {
    return undefined;
  }
}

/** What a promise ends with, or that there was no time left for it. */
function inTime(end: Promise<Validation | undefined>, withinMs: number): Promise<Validation | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(unjudged(TOO_LATE)), Math.max(0, withinMs));
    timer.unref();
    void end.then((failed) => {
      clearTimeout(timer);
      resolve(failed);
    });
  });
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
