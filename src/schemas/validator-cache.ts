import { availableParallelism } from "node:os";
import { LRUCache } from "lru-cache";
import { SharedTask } from "../async/shared-task.js";
import type { Contract, JsonSchema, SealedContract } from "../contract/contract.js";
import { sealContract } from "../contract/seal-contract.js";
import { type SkippedPart, skippedPart, withoutParts } from "../contract/skipped-part.js";
import { MAX_VIOLATIONS, ToolgateError, type Violation } from "../errors/toolgate-error.js";
import type { Digest } from "../identity/names.js";
import { type Logger, SILENT_LOGGER } from "../observe/logger.js";
import type { CompileOptions } from "./compiler.js";
import { ContractValidators, GATEWAY_REQUESTER, isLong, type Requester, schemaPath } from "./contract-validators.js";
import { DEFAULT_SCHEMA_LIMITS, type SchemaLimits } from "./schema-policy.js";
import type { WorkerEnd } from "./schema-worker.js";
import type { ThreadClockOf } from "./thread-clock.js";
import { type PoolLimits, type Risk, WorkerPool } from "./worker-pool.js";

/** Something in a schema that is ignored, and that may be a slip. */
export interface SchemaWarning {
  readonly tool: string;
  /** JSON pointer into the tool, such as /payload_schema/properties/a. */
  readonly path: string;
  /** What is ignored, and what may have been meant. */
  readonly message: string;
}

export interface ValidatorCacheOptions {
  /** How many contracts are kept compiled. */
  readonly maxContracts: number;
  /** The largest schema, in bytes of JSON; 262,144 unless said. */
  readonly maxSchemaBytes?: number;
  /** How many schemas they may have together, at 16 KB of heap for each that is in use; 20,000 unless said. */
  readonly maxSchemas?: number;
  /** How many workers validate values; 0 or absent: one less than there are cores, at least three, at most four. */
  readonly workers?: number;
  /** The work for validating a small value in a worker, in milliseconds of CPU time; each MiB adds twice as much. 1,000 unless said. */
  readonly validateCpuMs?: number;
  /** The work for compiling one schema, in milliseconds of CPU time; 10,000 unless said. */
  readonly compileCpuMs?: number;
  /** The work for compiling the schemas of one contract, in milliseconds of CPU time; 30,000 unless said. */
  readonly contractCpuMs?: number;
  /** How many values of one toolset or one client, and how many in all, may wait for a worker; 1,024 and 4,096 unless said. */
  readonly maxWaitingPerShare?: number;
  readonly maxWaiting?: number;
  /** Milliseconds that only go forward. */
  readonly monotonicNow?: () => number;
  /** What the work of a worker is measured by; the CPU time of its thread unless said. */
  readonly clockOf?: ThreadClockOf;
  /** The host of a client, by the client's name: hosts share the workers too. One for all clients unless said. */
  readonly hostOf?: (client: string) => string;
  /** Whether the schemas are this process's own: they are compiled where they are needed then, without a worker. Not unless said. */
  readonly trusted?: boolean;
  readonly log?: Logger;
}

/** What the cache has done since it was made. */
export interface ValidatorCounters {
  /** Validator sets that were made, one per contract and stay in the cache. */
  readonly compiled: number;
  /** How often a set was asked for and was there. */
  readonly hits: number;
  /** Sets that made room for others. */
  readonly evicted: number;
  /** Schemas that were compiled for use; each once in its set's life, a costly one again when the worker was lost. */
  readonly schemas: number;
  /** Contracts whose schemas were inspected for registration. */
  readonly admitted: number;
  /** Values that were given to a worker. */
  readonly pooled: number;
  /** Schemas that registrations had inspected: in all, now, and waiting. */
  readonly admission: { readonly jobs: number; readonly running: number; readonly waiting: number };
  /** Workers that were started, for registrations and for values; those beyond the pools' sizes replace ones that were lost. */
  readonly workers: number;
}

/** What of a contract can be used. */
export interface UsableContract {
  /** What is left, with the digest of that. */
  readonly sealed: SealedContract;
  readonly warnings: readonly SchemaWarning[];
  /** What was left out, in the order of the tools. */
  readonly skipped: readonly SkippedPart[];
}

/** What was found in the schemas of a contract so far. */
interface Inspection {
  readonly faults: SchemaFaults[];
  /** All of them, in the order of the schemas. */
  readonly warnings: SchemaWarning[];
  /** How many schemas were looked at. */
  looked: number;
  /** How many workers they broke. */
  broken: number;
  /** The work that is left for the others, in milliseconds of CPU time. */
  leftMs: number;
}

/** What is wrong with one schema. */
interface SchemaFaults {
  readonly tool: string;
  readonly direction: "payload" | "result";
  readonly violations: readonly Violation[];
  /** No verdict: the schema took too much, which another time or another machine may see otherwise. */
  readonly isInconclusive: boolean;
}

/** The most warnings of one contract: they travel in an answer, which is to stay readable. */
const MAX_WARNINGS = 64;
/** How many workers one contract may break before the rest of its schemas is not looked at any more. */
const MAX_BROKEN = 3;
/** How long the contracts may be together that are kept with what is usable of them, in characters of JSON. */
const MAX_USABLE_CHARACTERS = 64 * 1_048_576;
/** A contract's message names this many faults; the violations name eight. */
const FAULTS_IN_MESSAGE = 3;
/** When a contract whose schemas could not be validated may be sent again, in milliseconds. */
const INCONCLUSIVE_RETRY_MS = 5_000;
/** When a contract may be sent again that came while too many others were looked at, in milliseconds. */
const BUSY_RETRY_MS = 1_000;
const TOO_BUSY = "the machine is too busy; retry later";
/** The heap of a worker, in MiB. */
const MAX_HEAP_MB = 256;
/** How long a worker may be idle, in milliseconds: it takes 14 MiB at least, and a start costs the next value some 100 ms. */
const MAX_IDLE_MS = 60_000;
/** What values may have that wait for a worker, of one toolset or client and in all, in bytes: each is kept as its text and as its value. */
const MAX_WAITING_BYTES_PER_SHARE = 32 * 1_048_576;
const MAX_WAITING_BYTES = 96 * 1_048_576;
/** A validation, and the compilation of a schema for one, that is slow for its neighbours, in milliseconds of CPU time. */
const SLOW_VALIDATION_MS = 500;
/** The same for a schema that is registered. */
const SLOW_INSPECTION_MS = 1_000;
/** Contracts whose inspection was left, so that the next request for one goes on where it was. */
const MAX_LEFT_INSPECTIONS = 64;
/** Registrations wait for workers, one schema each at a time. Long schemas, and those of slow peers, leave one to the others. */
const ADMISSION_LIMITS: PoolLimits = {
  workers: 2,
  maxOpen: 2,
  maxSlow: 1,
  maxPerShare: 1,
  slowCpuMs: SLOW_INSPECTION_MS,
  maxHeapMb: MAX_HEAP_MB,
  maxIdleMs: MAX_IDLE_MS,
  maxWaiting: 256,
  maxWaitingPerShare: 64,
  maxWaitingBytes: MAX_WAITING_BYTES,
  maxWaitingBytesPerShare: MAX_WAITING_BYTES_PER_SHARE,
};

/**
 * The validators of contracts, one set per digest, in a cache that forgets what was used least recently.
 *
 * Registration inspects a contract's schemas in a worker (`admit`). What then validates values asks for the contract's
 * set (`forContract`), which compiles each schema when it is first needed; contracts that other nodes admitted are
 * treated alike. Registrations have a worker of their own, so that one of a thousand schemas does not hold up a call.
 */
export class ValidatorCache {
  readonly #sets: LRUCache<Digest, ContractValidators>;
  readonly #admissions: LRUCache<Digest, SharedTask<{ readonly warnings: readonly SchemaWarning[] }>>;
  readonly #usable: LRUCache<Digest, SharedTask<UsableContract>>;
  readonly #left = new LRUCache<Digest, Inspection>({ max: MAX_LEFT_INSPECTIONS });
  readonly #admission: WorkerPool;
  readonly #validation: WorkerPool;
  readonly #limits: SchemaLimits;
  readonly #validateCpuMs: number;
  readonly #compileCpuMs: number;
  readonly #contractCpuMs: number;
  readonly #trusted: boolean;
  readonly #log: Logger;
  #compiled = 0;
  #hits = 0;
  #evicted = 0;
  #schemas = 0;
  #admitted = 0;

  constructor(options: ValidatorCacheOptions) {
    this.#sets = new LRUCache({
      max: options.maxContracts,
      maxSize: options.maxSchemas ?? 20_000,
      sizeCalculation: (set) => Math.max(1, set.schemas),
      dispose: (_set, _digest, reason) => {
        if (reason === "evict") this.#evicted++;
      },
    });
    this.#admissions = new LRUCache({ max: options.maxContracts });
    this.#usable = new LRUCache({ max: options.maxContracts, maxSize: MAX_USABLE_CHARACTERS });
    this.#limits = { ...DEFAULT_SCHEMA_LIMITS, maxBytes: options.maxSchemaBytes ?? DEFAULT_SCHEMA_LIMITS.maxBytes };
    this.#validateCpuMs = options.validateCpuMs ?? 1_000;
    this.#compileCpuMs = options.compileCpuMs ?? 10_000;
    this.#contractCpuMs = options.contractCpuMs ?? 30_000;
    const monotonicNow = options.monotonicNow ?? (() => performance.now());
    this.#admission = new WorkerPool(ADMISSION_LIMITS, monotonicNow, options.clockOf, options.hostOf);
    const workers = options.workers || defaultWorkers();
    const validationLimits: PoolLimits = {
      workers,
      maxOpen: Math.max(1, workers - 1),
      maxSlow: Math.max(1, workers - 2),
      maxPerShare: Math.max(1, workers - 2),
      slowCpuMs: SLOW_VALIDATION_MS,
      maxHeapMb: MAX_HEAP_MB,
      maxIdleMs: MAX_IDLE_MS,
      maxWaiting: options.maxWaiting ?? 4_096,
      maxWaitingPerShare: options.maxWaitingPerShare ?? 1_024,
      maxWaitingBytes: MAX_WAITING_BYTES,
      maxWaitingBytesPerShare: MAX_WAITING_BYTES_PER_SHARE,
    };
    this.#validation = new WorkerPool(validationLimits, monotonicNow, options.clockOf, options.hostOf);
    this.#trusted = options.trusted ?? false;
    this.#log = options.log ?? SILENT_LOGGER;
  }

  get counters(): ValidatorCounters {
    return {
      compiled: this.#compiled,
      hits: this.#hits,
      evicted: this.#evicted,
      schemas: this.#schemas,
      admitted: this.#admitted,
      pooled: this.#validation.counters.jobs,
      admission: this.#admission.counters,
      workers: this.#admission.counters.starts + this.#validation.counters.starts,
    };
  }

  /**
   * Inspects all schemas of a contract in a worker: policy, meta-schema, compiler. Concurrent requests for one digest
   * share one inspection, and later ones its outcome, as ten replicas register the same contract. When all have left, the
   * inspection ends; the next request goes on where it was.
   *
   * @param requester the first to ask counts as the client.
   * @returns what is ignored in the schemas; at most 64 warnings.
   * @throws ToolgateError INVALID_SCHEMA with every fault found: tool, JSON path and reason, the first eight as violations
   *   and the number of all in the message; LIMIT_EXCEEDED when too much is being inspected already; the signal's reason.
   */
  admit(
    sealed: SealedContract,
    { client, signal }: Requester = GATEWAY_REQUESTER,
  ): Promise<{ readonly warnings: readonly SchemaWarning[] }> {
    const known = this.#admissions.get(sealed.digest);
    if (known !== undefined && !known.isAbandoned) return known.join(signal);
    const admission = new SharedTask(async (unneeded) => {
      try {
        const { faults, warnings } = await this.#inspect(sealed, client, unneeded);
        if (faults.length > 0) throw schemaError(sealed.contract.name, faults);
        this.#set(sealed.digest, sealed.contract);
        return { warnings: boundWarnings(warnings) };
      } catch (error) {
        // Faults are found again the next time: they may have been the machine's.
        if (this.#admissions.peek(sealed.digest) === admission) this.#admissions.delete(sealed.digest);
        throw error;
      }
    });
    this.#admissions.set(sealed.digest, admission);
    return admission.join(signal);
  }

  /**
   * The same, but leaves out the schemas that have faults, and with a payload schema its tool. All nodes leave out the same of one
   * contract, whatever their load is: what could not be validated is not left out, it refuses the whole.
   *
   * @throws ToolgateError INVALID_SCHEMA when no tool is left; LIMIT_EXCEEDED when a schema could not be validated, or too much is
   *   being inspected already; the signal's reason.
   */
  admitUsable(sealed: SealedContract, { client, signal }: Requester = GATEWAY_REQUESTER): Promise<UsableContract> {
    const known = this.#usable.get(sealed.digest);
    if (known !== undefined && !known.isAbandoned) return known.join(signal);
    const usable = new SharedTask(async (unneeded) => {
      try {
        return await this.#leaveOutFaulty(sealed, client, unneeded);
      } catch (error) {
        if (this.#usable.peek(sealed.digest) === usable) this.#usable.delete(sealed.digest);
        throw error;
      }
    });
    this.#usable.set(sealed.digest, usable, { size: sealed.canonicalJson.length });
    return usable.join(signal);
  }

  async #leaveOutFaulty(sealed: SealedContract, client: string, unneeded: AbortSignal): Promise<UsableContract> {
    const { faults, warnings } = await this.#inspect(sealed, client, unneeded);
    const inconclusive = faults.find(({ isInconclusive }) => isInconclusive);
    if (inconclusive !== undefined) throw inconclusiveError(sealed.contract.name, inconclusive);
    const skipped = skippedParts(faults);
    const contract = withoutParts(sealed.contract, skipped);
    if (contract.tools.length === 0) throw schemaError(sealed.contract.name, faults);
    const rest = skipped.length === 0 ? sealed : sealContract(contract);
    this.#set(rest.digest, rest.contract);
    const gone = new Set(skipped.flatMap(({ tool, resultSchemaOnly }) => (resultSchemaOnly ? [] : [tool])));
    return { sealed: rest, warnings: boundWarnings(warnings.filter(({ tool }) => !gone.has(tool))), skipped };
  }

  /** The validators of a contract; at once, whether they are known or not. */
  forContract(digest: Digest, contract: Contract): ContractValidators {
    const known = this.#sets.get(digest);
    if (known === undefined) return this.#set(digest, contract);
    this.#hits++;
    return known;
  }

  /** Starts a worker, which compiles a schema when its first value comes, before that; it takes a fraction of a second. */
  warm(): void {
    this.#validation.warm();
  }

  /** Ends the workers and forgets everything; idempotent, and resolves when the threads are gone. */
  async stop(): Promise<void> {
    this.#sets.clear();
    this.#admissions.clear();
    this.#usable.clear();
    await Promise.all([this.#admission.stop(), this.#validation.stop()]);
  }

  #set(digest: Digest, contract: Contract): ContractValidators {
    const known = this.#sets.peek(digest);
    if (known !== undefined) return known;
    const settings = {
      limits: this.#limits,
      pool: this.#validation,
      compileCpuMs: this.#compileCpuMs,
      validateCpuMs: this.#validateCpuMs,
      trusted: this.#trusted,
    };
    const set = new ContractValidators(digest, contract, settings, () => this.#schemas++);
    this.#compiled++;
    this.#sets.set(digest, set);
    return set;
  }

  /** @throws the signal's reason; what was found until then is kept for the next time. */
  async #inspect(sealed: SealedContract, client: string, unneeded: AbortSignal): Promise<Inspection> {
    const { contract, digest } = sealed;
    const inspection: Inspection = this.#left.get(digest) ?? {
      faults: [],
      warnings: [],
      looked: 0,
      broken: 0,
      leftMs: this.#contractCpuMs,
    };
    this.#left.delete(digest);
    if (inspection.looked === 0) this.#admitted++;
    try {
      for (const part of [...schemasOf(contract)].slice(inspection.looked)) {
        const risk = isLong(part.schema) ? "slow" : "open";
        await this.#inspectPart(contract, part, inspection, { client, risk, unneeded });
        unneeded.throwIfAborted();
        inspection.looked++;
      }
      return inspection;
    } catch (error) {
      if (unneeded.aborted) this.#left.set(digest, inspection);
      throw error;
    }
  }

  /** Looks at one schema, and adds what is found; perhaps nothing once it is not needed. @throws as `#inspectSchema` does */
  async #inspectPart(
    contract: Contract,
    { tool, direction, schema }: SchemaOfContract,
    inspection: Inspection,
    wanted: InspectionWanted,
  ): Promise<void> {
    const inconclusive = (description: string) => {
      const violations = [{ field: schemaPath(tool, direction, ""), description }];
      inspection.faults.push({ tool, direction, violations, isInconclusive: true });
    };
    if (inspection.broken >= MAX_BROKEN || inspection.leftMs <= 0)
      return inconclusive("was not checked, as the schemas before it took too long");
    const options = { assertFormats: contract.assertFormats ?? false, exactNumbers: false };
    const cpuMs = Math.min(inspection.leftMs, this.#compileCpuMs);
    const end = await this.#inspectSchema(contract.name, schema, options, cpuMs, wanted);
    if (end.kind === "done") inspection.leftMs -= end.cpuMs;
    if (end.kind === "unneeded") return;
    if (end.kind !== "done") {
      inspection.broken++;
      inspection.leftMs -= this.#compileCpuMs;
      inconclusive(
        end.kind === "overran"
          ? "takes too long to compile; make it simpler"
          : "takes too much memory to compile; make it simpler",
      );
      this.#log.warn({ event: "schema_broke_worker", toolset: contract.name, tool, outcome: end.kind });
    } else if (end.reply.kind === "inspected") {
      const violations = end.reply.faults.map(({ pointer, reason }) => ({
        field: schemaPath(tool, direction, pointer),
        description: reason,
      }));
      if (violations.length > 0) inspection.faults.push({ tool, direction, violations, isInconclusive: false });
      for (const { pointer, message } of end.reply.notes)
        inspection.warnings.push({ tool, path: `/${direction}_schema${pointer}`, message });
    }
  }

  /** @throws ToolgateError where nothing can be said of the schema: too much to do, a stop, a machine that is too busy. */
  async #inspectSchema(
    toolset: string,
    schema: JsonSchema,
    options: CompileOptions,
    cpuMs: number,
    { client, risk, unneeded }: InspectionWanted,
  ): Promise<Inspected> {
    const request = { kind: "inspect", schema, limits: this.#limits, options } as const;
    const outcome = await this.#admission.run({
      ...{ toolset, client, risk, bytes: 0, signal: unneeded },
      work: (worker) => worker.run(request, cpuMs, unneeded),
    });
    const end = outcome.kind === "done" ? outcome.answer : outcome;
    switch (end.kind) {
      case "stopped":
        throw new ToolgateError("NODE_DRAINING", "the node is stopping, so schemas are no longer checked");
      case "busy":
        throw new ToolgateError("LIMIT_EXCEEDED", "too many schemas already wait to be checked; retry later", {
          retryAfterMs: BUSY_RETRY_MS,
        });
      case "left":
        return { kind: "unneeded" };
      case "starved":
      case "late":
        throw new ToolgateError(
          "VERDICT_UNAVAILABLE",
          `the schemas of "${toolset}" could not be checked: ${TOO_BUSY}`,
          {
            retryAfterMs: INCONCLUSIVE_RETRY_MS,
          },
        );
      default:
        return end;
    }
  }
}

type Inspected = Extract<WorkerEnd, { kind: "done" | "overran" | "broke" | "unneeded" }>;

/** One schema of a contract. */
interface SchemaOfContract {
  readonly tool: string;
  readonly direction: "payload" | "result";
  readonly schema: JsonSchema;
}

/** How a schema is inspected: for whom, with which risk, and until when. */
interface InspectionWanted {
  readonly client: string;
  readonly risk: Risk;
  readonly unneeded: AbortSignal;
}

/**
 * Workers that validate values, by the machine's cores: one is left for the event loop. Three are the least, one for each risk: they
 * are started when they are needed, and wait for work most of the time.
 */
function defaultWorkers(): number {
  return Math.min(4, Math.max(3, availableParallelism() - 1));
}

/** At most 64, the last of which counts the rest. */
function boundWarnings(warnings: readonly SchemaWarning[]): readonly SchemaWarning[] {
  const last = warnings[MAX_WARNINGS - 1];
  if (warnings.length <= MAX_WARNINGS || last === undefined) return warnings;
  const more = warnings.length - MAX_WARNINGS;
  const message = `and ${more} more warnings after this: ${last.message}`;
  return [...warnings.slice(0, MAX_WARNINGS - 1), { ...last, message }];
}

/** What to leave out because of these faults, one part for each tool, in the order of the tools. */
function skippedParts(faults: readonly SchemaFaults[]): SkippedPart[] {
  return [...new Set(faults.map(({ tool }) => tool))].map((tool) => {
    const found = faults.filter((fault) => fault.tool === tool);
    const isResultOnly = found.every(({ direction }) => direction === "result");
    return skippedPart(
      tool,
      isResultOnly,
      found.flatMap(({ violations }) => violations),
    );
  });
}

function* schemasOf(contract: Contract): Generator<SchemaOfContract> {
  for (const { name, payload, result } of contract.tools) {
    yield { tool: name, direction: "payload", schema: payload };
    if (result !== undefined) yield { tool: name, direction: "result", schema: result };
  }
}

function schemaError(toolset: string, found: readonly SchemaFaults[]): ToolgateError {
  const faults = found.flatMap(({ violations }) => violations);
  const listed = faults.slice(0, FAULTS_IN_MESSAGE).map(({ field, description }) => `${field} ${description}`);
  const more = faults.length > FAULTS_IN_MESSAGE ? `; and ${faults.length - FAULTS_IN_MESSAGE} more` : "";
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  return new ToolgateError("INVALID_SCHEMA", `the schemas of "${toolset}" have ${count}: ${listed.join("; ")}${more}`, {
    violations: faults.slice(0, MAX_VIOLATIONS),
  });
}

/** No verdict could be had, so that nothing can be left out either: another node might leave out something else. */
function inconclusiveError(toolset: string, { violations }: SchemaFaults): ToolgateError {
  const [fault] = violations;
  return new ToolgateError(
    "LIMIT_EXCEEDED",
    `a schema of "${toolset}" could not be validated, so it is not known whether to leave it out: ` +
      `${fault?.field} ${fault?.description}; retry later, or leave the tool out`,
    { violations, retryAfterMs: INCONCLUSIVE_RETRY_MS },
  );
}
