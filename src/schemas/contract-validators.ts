import { after } from "../async/after.js";
import type { Contract, JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { exactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { JsonText } from "../json/read-json.js";
import { type CostRates, estimateCost } from "./estimate-cost.js";
import { linkCode } from "./portable-code.js";
import type { InlineValidator, Prepared } from "./prepare-schema.js";
import type { SchemaFault } from "./schema-graph.js";
import type { SchemaLimits } from "./schema-policy.js";
import type { SchemaWorker } from "./schema-worker.js";
import { inconclusive, tooCostly, VALID, type Validation } from "./validation.js";
import type { ValueCheck } from "./value-check.js";
import type { WorkerReply } from "./worker-messages.js";
import type { PoolOutcome, Risk, WorkerPool } from "./worker-pool.js";

/** For whom a value is validated, and how long that is of use. */
export interface Requester {
  /** Whose share of the workers it takes: a connection, or a principal. */
  readonly client: string;
  /** How long the verdict is of use, in milliseconds; without a limit when undefined. */
  readonly withinMs?: number | undefined;
  /** Aborted when nothing waits for the verdict any more. */
  readonly signal?: AbortSignal | undefined;
}

/** The gateway itself, which validates nothing that is urgent. */
export const GATEWAY_REQUESTER: Requester = { client: "gateway" };

/** How schemas are validated by: their limits, and what validates values that are too costly for the event loop. */
export interface ValidationSettings {
  readonly limits: SchemaLimits;
  readonly pool: WorkerPool;
  /** The work for compiling a schema, in milliseconds of CPU time. */
  readonly compileCpuMs: number;
  /** The work for validating a small value, in milliseconds of CPU time; each MiB of a value adds twice as much. */
  readonly validateCpuMs: number;
  /** Whether the schemas are this process's own, so that they are compiled where they are needed, without a worker. */
  readonly trusted: boolean;
}

/**
 * How one schema is validated by.
 *
 * unused ──first value──▶ preparing ──▶ inline | costly | refused
 *    ▲                        │
 *    └── no worker could ─────┘
 */
type ValidatorState =
  | { readonly kind: "unused"; readonly schema: JsonSchema }
  | Preparing
  | Inline
  | { readonly kind: "costly"; readonly schema: JsonSchema; readonly risk: Risk }
  | { readonly kind: "refused"; readonly faults: readonly SchemaFault[] };

/** A worker compiles the schema; values wait for that together. */
interface Preparing {
  readonly kind: "preparing";
  readonly schema: JsonSchema;
  /** Why that failed, or nothing when values can be validated. Does not reject. */
  readonly end: Promise<Validation | undefined>;
}

/** Small values are validated on the event loop. */
interface Inline {
  readonly kind: "inline";
  readonly schema: JsonSchema;
  readonly check: ValueCheck;
  readonly rates: CostRates;
  /** Whether it matters how numbers are written that their doubles do not hold. */
  readonly needsExactNumbers: boolean;
  /** Validates such numbers; absent until a worker has compiled that too. */
  readonly exact: ValueCheck | undefined;
}

type Direction = "payload" | "result";

/** A value that is left to a worker, and what it is validated by. */
interface PooledValue {
  readonly direction: Direction;
  readonly tool: string;
  readonly schema: JsonSchema;
  readonly bytes: Uint8Array;
  readonly exactNumbers: boolean;
  readonly risk: Risk;
}

/** A schema with more characters may take long to compile for its length alone. Real ones have at most 12,000. */
const MAX_SHORT_CHARACTERS = 32_768;

/** The heaviest validation on the event loop, in units of roughly 10 ns: 20 ms where a core is slow. */
const MAX_INLINE_COST = 1_000_000;
/** The most of it for making the value of a long text: what that costs is estimated with room, and known before it is validated. */
const MAX_INLINE_PARSE = MAX_INLINE_COST / 2;
/** What looking for numbers that a double does not hold costs for a byte of the text, in the same units. */
const EXACT_PER_BYTE = 8;
/** How many times as much validating costs that sees numbers as they were written. */
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
 * A cheap schema then validates small values at once, on the event loop. A costly schema, or a value that is large for what its
 * schema does, is validated in a worker. Schemas cannot see each other, not even within the contract: each has an Ajv of
 * its own, and references by `$id` reach nothing outside of their schema.
 */
export class ContractValidators {
  readonly #digest: Digest;
  readonly #toolset: string;
  readonly #validators: Record<Direction, Map<string, ValidatorState>> = { payload: new Map(), result: new Map() };
  readonly #tools: ReadonlySet<string>;
  readonly #assertFormats: boolean;
  readonly #settings: ValidationSettings;
  readonly #onCompiled: () => void;
  #awaiting = 0;
  #awaitingBytes = 0;

  constructor(digest: Digest, contract: Contract, settings: ValidationSettings, onCompiled: () => void) {
    this.#digest = digest;
    this.#toolset = contract.name;
    this.#settings = settings;
    this.#onCompiled = onCompiled;
    this.#assertFormats = contract.assertFormats ?? false;
    this.#tools = new Set(contract.tools.map((tool) => tool.name));
    for (const { name, payload, result } of contract.tools) {
      if (payload !== true) this.#validators.payload.set(name, { kind: "unused", schema: payload });
      if (result !== undefined && result !== true)
        this.#validators.result.set(name, { kind: "unused", schema: result });
    }
  }

  /** How many schemas there are. */
  get schemas(): number {
    return this.#validators.payload.size + this.#validators.result.size;
  }

  /**
   * Validates a payload by its tool's payload schema; a promise only where a worker is needed. Without a verdict (too much work, too
   * much to do, a schema that does not pass this node's policy) it is `inconclusive`; a promise does not reject.
   *
   * @param requester asked for where a worker is needed; absent, the gateway asks for itself.
   * @param isSuspect it may have taken a node down: it is validated in a worker, whatever it may cost.
   * @throws ToolgateError UNKNOWN_TOOL
   */
  payload(
    tool: string,
    text: JsonText,
    requester?: () => Requester,
    isSuspect = false,
  ): Validation | Promise<Validation> {
    return this.#check("payload", tool, text, requester, isSuspect);
  }

  /** The same for a result; without a result schema, any JSON is valid. */
  result(
    tool: string,
    text: JsonText,
    requester?: () => Requester,
    isSuspect = false,
  ): Validation | Promise<Validation> {
    return this.#check("result", tool, text, requester, isSuspect);
  }

  #check(
    direction: Direction,
    tool: string,
    text: JsonText,
    requester: (() => Requester) | undefined,
    isSuspect: boolean,
  ): Validation | Promise<Validation> {
    const { bytes, longNumbers } = text;
    const validator = this.#validators[direction].get(tool);
    if (validator === undefined) {
      if (this.#tools.has(tool)) return VALID; // there is no schema, or it is true
      throw new ToolgateError("UNKNOWN_TOOL", "the toolset has no tool of this name; look at its contract");
    }
    if (isSuspect && validator.kind !== "refused") {
      const { schema } = validator;
      return this.#pooled({ direction, tool, schema, bytes, exactNumbers: longNumbers, risk: "slow" }, requester?.());
    }
    switch (validator.kind) {
      case "unused": {
        const asking = requester?.() ?? GATEWAY_REQUESTER;
        const preparing = this.#prepare(direction, tool, validator.schema, asking.client);
        return this.#whenPrepared(preparing, direction, tool, text, asking);
      }
      case "preparing":
        return this.#whenPrepared(validator, direction, tool, text, requester?.() ?? GATEWAY_REQUESTER);
      case "inline": {
        const inline = this.#inline(validator, text);
        if (inline !== undefined) return inline;
        const { schema } = validator;
        const exactNumbers = isExact(validator, text);
        return this.#pooled({ direction, tool, schema, bytes, exactNumbers, risk: "bounded" }, requester?.());
      }
      case "costly": {
        const { schema, risk } = validator;
        return this.#pooled({ direction, tool, schema, bytes, exactNumbers: longNumbers, risk }, requester?.());
      }
      case "refused":
        return refused(direction, tool, validator.faults);
      default:
        return validator satisfies never;
    }
  }

  /** The verdict, where it may be had on the event loop. */
  #inline(validator: Inline, text: JsonText): Validation | undefined {
    const { parseWork = 0 } = text;
    if (parseWork > MAX_INLINE_PARSE) return undefined;
    const mayBeExact = isExact(validator, text);
    const cost = estimateCost(text.value, validator.rates, MAX_INLINE_COST);
    const work = mayBeExact ? EXACT_FACTOR * cost + EXACT_PER_BYTE * text.bytes.length : cost;
    if (parseWork + work > MAX_INLINE_COST) return undefined;
    const numbers = mayBeExact ? exactNumbers(text) : NO_EXACT_NUMBERS;
    // Most long numbers are what a double is printed as.
    return numbers.isEmpty
      ? validator.check.check(text.value, cost)
      : validator.exact?.check(text.value, cost, numbers);
  }

  /** Has a schema compiled; values that come meanwhile wait for the same. It goes on when they have left, for the next one. */
  #prepare(direction: Direction, tool: string, schema: JsonSchema, client: string): Preparing {
    const end = Promise.resolve()
      .then(() => this.#compileElsewhere(direction, tool, schema, client))
      .then((failed) => {
        const isOpen = this.#validators[direction].get(tool) === preparing;
        if (isOpen) this.#validators[direction].set(tool, { kind: "unused", schema }); // another value may have more luck
        return failed;
      });
    const preparing: Preparing = { kind: "preparing", schema, end };
    this.#validators[direction].set(tool, preparing);
    return preparing;
  }

  async #compileElsewhere(
    direction: Direction,
    tool: string,
    schema: JsonSchema,
    client: string,
  ): Promise<Validation | undefined> {
    const { limits, pool, compileCpuMs, trusted } = this.#settings;
    const options = { assertFormats: this.#assertFormats, exactNumbers: false };
    if (trusted) {
      // A node leaves this to its workers, and need not load what compiles.
      const { prepareSchema } = await import("./prepare-schema.js");
      return this.#learn(direction, tool, schema, prepareSchema(schema, limits, options), false);
    }
    const key = this.#key(direction, tool, false);
    const work = async (worker: SchemaWorker): Promise<Validation | undefined> => {
      const end = await worker.run({ kind: "prepare", key, schema, limits, options }, compileCpuMs);
      if (end.kind !== "done") return withoutVerdict(end.kind, COMPILING);
      return this.#learn(direction, tool, schema, end.reply, false);
    };
    try {
      // The policy bounds what a short schema compiles to: it does not wait behind validations of unknown work.
      const risk = isLong(schema) ? "slow" : "bounded";
      const outcome = await pool.run({ toolset: this.#toolset, client, risk, bytes: 0, key, work });
      return outcome.kind === "done" ? outcome.answer : verdictOf(outcome);
    } catch (error) {
      return inconclusive(error instanceof Error ? error.message : "the check failed"); // no worker starts
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
      this.#validators[direction].set(tool, { kind: "refused", faults: reply.faults });
      return refused(direction, tool, reply.faults);
    }
    if (reply.kind !== "prepared") return inconclusive("the check failed");
    this.#onCompiled();
    const check = linked(reply.inline);
    const known = this.#validators[direction].get(tool);
    if (exactNumbers) {
      if (check !== undefined && known?.kind === "inline")
        this.#validators[direction].set(tool, { ...known, exact: check });
    } else if (reply.inline !== undefined && check !== undefined) {
      const { rates, needsExactNumbers } = reply.inline;
      this.#validators[direction].set(tool, {
        kind: "inline",
        schema,
        check,
        rates,
        needsExactNumbers,
        exact: undefined,
      });
    } else this.#validators[direction].set(tool, { kind: "costly", schema, risk: riskOf(schema) });
    return undefined;
  }

  async #whenPrepared(
    { end }: Preparing,
    direction: Direction,
    tool: string,
    text: JsonText,
    requester: Requester,
  ): Promise<Validation> {
    const size = text.bytes.length;
    if (this.#awaiting >= MAX_AWAITING || (this.#awaiting > 0 && this.#awaitingBytes + size > MAX_AWAITING_BYTES))
      return inconclusive(TOO_MUCH_WAITS);
    this.#awaiting++;
    this.#awaitingBytes += size;
    try {
      const { withinMs } = requester;
      const sinceMs = performance.now();
      const failed = await inTime(end, requester);
      if (failed !== undefined) return failed;
      const left = withinMs === undefined ? undefined : withinMs - (performance.now() - sinceMs);
      return await this.#check(direction, tool, text, () => ({ ...requester, withinMs: left }), false);
    } finally {
      this.#awaiting--;
      this.#awaitingBytes -= size;
    }
  }

  #key(direction: Direction, tool: string, exactNumbers: boolean): string {
    return `${this.#digest} ${direction}${exactNumbers ? " exact" : ""} ${tool}`;
  }

  async #pooled(
    { direction, tool, schema, bytes, exactNumbers, risk }: PooledValue,
    { client, withinMs, signal }: Requester = GATEWAY_REQUESTER,
  ): Promise<Validation> {
    const { limits, pool, compileCpuMs, validateCpuMs } = this.#settings;
    const options = { assertFormats: this.#assertFormats, exactNumbers };
    const key = this.#key(direction, tool, exactNumbers);
    const work = async (worker: SchemaWorker, unneeded: AbortSignal): Promise<Validation> => {
      for (let preparations = 0; ; ) {
        if (!worker.has(key)) {
          if (++preparations > MAX_PREPARATIONS) return inconclusive("too many schemas are in use at once");
          const prepared = await worker.run({ kind: "prepare", key, schema, limits, options }, compileCpuMs);
          if (prepared.kind !== "done") return withoutVerdict(prepared.kind, COMPILING);
          const failed = this.#learn(direction, tool, schema, prepared.reply, exactNumbers);
          if (failed !== undefined) return failed;
          // The schema is ready for the next value, whatever becomes of this one.
          if (unneeded.aborted) return inconclusive(VALIDATING.unneeded);
        }
        // A copy that is handed over, as bytes: parsed there, it costs this thread less than a value that is cloned.
        const request = { kind: "validate", key, bytes: new Uint8Array(bytes) } as const;
        const cpuMs = validateCpuMs * (1 + (WORK_PER_MIB * bytes.length) / 1_048_576);
        const end = await worker.run(request, cpuMs, unneeded);
        if (end.kind !== "done") return withoutVerdict(end.kind, VALIDATING);
        if (end.reply.kind === "validated") return end.reply.validation;
      }
    };
    const job = { toolset: this.#toolset, client, risk, bytes: bytes.length, key, withinMs, signal, work };
    try {
      return verdictOf(await pool.run(job));
    } catch (error) {
      return inconclusive(error instanceof Error ? error.message : "the check failed"); // no worker starts
    }
  }
}

const TOO_MUCH_WAITS = "too much waits to be checked";
const TOO_LATE = "there was no time left to check it";

/** Why there is no verdict when a worker did not come to one. */
const VALIDATING = {
  overran: "validating it by its schema takes more work than a check may; make it smaller or the schema simpler",
  broke: "validating it by its schema takes more memory than a check may; make it smaller or the schema simpler",
  starved: "the machine is too busy",
  unneeded: "nothing waits for it any more",
  stopped: "the node is stopping",
} as const;

const COMPILING = {
  ...VALIDATING,
  overran: "its schema takes more work to compile than it may; make it simpler",
  broke: "its schema takes more memory to compile than it may; make it simpler",
} as const;

function withoutVerdict(
  end: keyof typeof VALIDATING,
  why: Readonly<Record<keyof typeof VALIDATING, string>>,
): Validation {
  return end === "overran" || end === "broke" ? tooCostly(why[end]) : inconclusive(why[end]);
}

function verdictOf(outcome: PoolOutcome<Validation>): Validation {
  switch (outcome.kind) {
    case "done":
      return outcome.answer;
    case "busy":
      return inconclusive(TOO_MUCH_WAITS);
    case "left":
      return inconclusive(VALIDATING.unneeded);
    case "late":
      return inconclusive(TOO_LATE);
    case "stopped":
      return inconclusive(VALIDATING.stopped);
    default:
      return outcome satisfies never;
  }
}

/** Whether a value may have to be validated with its numbers as they were written. */
function isExact({ needsExactNumbers }: Inline, { longNumbers }: JsonText): boolean {
  return longNumbers && needsExactNumbers;
}

/** The functions of code that a worker found cheap; nothing where they cannot be made here. */
function linked(inline: InlineValidator | undefined): ValueCheck | undefined {
  try {
    return inline === undefined ? undefined : linkCode(inline.code);
  } catch {
    return undefined;
  }
}

/** What a promise ends with, or that there was no time left for it, or nothing that waits. */
function inTime(
  end: Promise<Validation | undefined>,
  { withinMs, signal }: Requester,
): Promise<Validation | undefined> {
  if (signal?.aborted) return Promise.resolve(inconclusive(VALIDATING.unneeded));
  return new Promise((resolve) => {
    const settle = (validation: Validation | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onLeft);
      resolve(validation);
    };
    const onLeft = (): void => settle(inconclusive(VALIDATING.unneeded));
    const timer = after(withinMs, () => settle(inconclusive(TOO_LATE)));
    signal?.addEventListener("abort", onLeft, { once: true });
    void end.then(settle);
  });
}

/** Whether compiling a schema may take long for its length alone. */
export function isLong(schema: JsonSchema): boolean {
  return JSON.stringify(schema).length > MAX_SHORT_CHARACTERS;
}

function riskOf(schema: JsonSchema): Risk {
  return isLong(schema) ? "slow" : "open";
}

/** A schema that this node cannot use: another version of Toolgate admitted it. */
function refused(direction: Direction, tool: string, [first]: readonly SchemaFault[]): Validation {
  const where = schemaPath(tool, direction, first?.pointer ?? "");
  return inconclusive(
    `this node cannot use ${where}, which ${first?.reason ?? "is refused"}; register the toolset again`,
  );
}

/** Where a place of a schema is in the contract. A tool's name may have slashes, which JSON pointers escape. */
export function schemaPath(tool: string, direction: Direction, pointer: string): string {
  return `/tools/${tool.replaceAll("/", "~1")}/${direction}_schema${pointer}`;
}
