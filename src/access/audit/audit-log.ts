import { ToolgateError } from "../../errors/toolgate-error.js";
import type { NodeId, ToolsetName } from "../../identity/names.js";
import type { Principal } from "../../identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../identity/tenant.js";
import type { FaultLog } from "../../observe/recurring-faults.js";
import type { CommittedStore } from "../../redis/commits.js";
import type { Keyspace, ShardKeys } from "../../redis/keys.js";
import { type AuditEvent, type AuditRecord, auditAuthor, auditWho } from "../../store/audit/audit-record.js";
import { writeAudit } from "../../store/audit/write-audit.js";
import type { CallAudit } from "../../store/calls/admission.js";
import type { CallerAccess, Decision } from "../caller-access.js";
import { RefusalFlood } from "./refusal-flood.js";

/** What is recorded. `changes`: changes, logins and refusals. `calls`: each call and its end, too. */
export type AuditLevel = "off" | "changes" | "calls";

/** Who does something, and by which credential. */
export interface AuditedCaller {
  readonly principal: Principal;
  /** The credential's id; empty for nobody's. */
  readonly credential: string;
}

/** Something that a node did or refused. What is absent is empty. */
export interface AuditedAct extends Partial<Pick<AuditRecord, "callId" | "contractDigest" | "executed" | "rule">> {
  readonly event: AuditEvent;
  readonly verb: string;
  /** On which toolset; of a document, its kind. */
  readonly toolset?: string;
  /** Which tool; of a document, its name. */
  readonly tool?: string;
  /** The tenant that it concerns, where that is not the caller's. */
  readonly tenant?: TenantName;
  /** The revision of the documents that decided. */
  readonly policyRevision?: number;
}

export interface AuditLogSettings {
  /** Asked for each record: it becomes another one when the registry gets its first credential. */
  readonly level: () => AuditLevel;
  /** The keyed digest of a payload, as one word; `-` while there is no key yet. */
  readonly digestOf: (payload: Buffer) => string;
  readonly store: CommittedStore;
  readonly keyspace: Keyspace;
  readonly node: NodeId;
  readonly monotonicMs: () => number;
  readonly faults: FaultLog;
  /** Hears of each refusal, once, also where nothing is recorded: for metrics. Absent where nothing does. */
  readonly onRefused?: ((act: AuditedAct, reason: string) => void) | undefined;
}

/** The most records that one script writes, and that wait for a shard while Redis is away. */
const MAX_BATCH = 100;
const MAX_WAITING = 10_000;
/** How long a shard rests that could not be written to, in milliseconds. */
const RETRY_MS = 500;

/** What nodes say by these of a request is not that they refused it. */
const NO_REFUSALS: ReadonlySet<string> = new Set([
  ...["INTERNAL", "STORE_UNAVAILABLE", "NODE_DRAINING", "CANCELLED", "DEADLINE_EXCEEDED", "ACCESS_CHANGED"],
]);

/** A caller as ADMIT's record of a call says it, and what that was made of. */
interface SaidCaller {
  readonly credential: string;
  readonly revision: number;
  readonly rule: string | undefined;
  readonly who: string;
}

/**
 * Records what this node did and refused. Calls and their ends are written by the scripts that admit and end them, and changes of
 * documents by the one that makes them: for those it only says who it was. The rest is gathered, and written by one script in a turn and
 * shard, right after it was done. Refusals are bounded: see `RefusalFlood`.
 */
export class AuditLog {
  readonly #settings: AuditLogSettings;
  readonly #shards: ReadonlyMap<ShardKeys, ShardWriter>;
  readonly #flood: RefusalFlood;
  /** Refusals that were recorded where more was known of them than where they leave the node. */
  readonly #recorded = new WeakSet<ToolgateError>();
  /** What was said last of a principal whose calls are recorded: nearly all of them are made with one credential, by one rule. */
  readonly #said = new WeakMap<Principal, SaidCaller>();

  constructor(settings: AuditLogSettings) {
    this.#settings = settings;
    const { store, keyspace, faults, monotonicMs } = settings;
    this.#shards = new Map(keyspace.shards.map((keys) => [keys, new ShardWriter(store, keys, faults)]));
    this.#flood = new RefusalFlood(monotonicMs, (record) => this.#write(record));
  }

  get level(): AuditLevel {
    return this.#settings.level();
  }

  /** Whether anything is to be said of what is done and refused: it is recorded, or counted. */
  get listens(): boolean {
    return this.level !== "off" || this.#settings.onRefused !== undefined;
  }

  /** How many records wait to be written. */
  get waiting(): number {
    return this.#shardWriters.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** How many records were dropped, since too many waited. */
  get dropped(): number {
    return this.#shardWriters.reduce((sum, { dropped }) => sum + dropped, 0);
  }

  get #shardWriters(): readonly ShardWriter[] {
    return [...this.#shards.values()];
  }

  /** Resolves when what was recorded is written, or cannot be. */
  async stop(): Promise<void> {
    this.#flood.stop();
    await Promise.all(this.#shardWriters.map((shard) => shard.stop()));
  }

  /** What ADMIT is to record of a call; undefined where calls are not recorded. */
  ofCall(
    { principal, credential }: AuditedCaller,
    { revision }: Pick<CallerAccess, "revision">,
    { rule }: Decision,
    payload: Buffer,
  ): CallAudit | undefined {
    if (this.level !== "calls") return undefined;
    let said = this.#said.get(principal);
    if (said?.credential !== credential || said.revision !== revision || said.rule !== rule) {
      said = { credential, revision, rule, who: auditWho(principal.kind, credential, revision, rule) };
      this.#said.set(principal, said);
    }
    return { who: said.who, argumentsDigest: this.#settings.digestOf(payload) };
  }

  /** Who changes documents, for the script that records it; undefined where changes are not recorded. */
  authorOf({ principal, credential }: AuditedCaller): string | undefined {
    return this.level === "off" ? undefined : auditAuthor(principal, credential, this.#settings.node);
  }

  /** Records what was done. */
  allowed(caller: AuditedCaller, act: AuditedAct): void {
    if (this.level === "off") return;
    this.#write(this.#recordOf(caller, act, "allowed", ""));
  }

  /** Records what was refused, once for each error. What failed for another reason than a refusal is passed over. */
  refused(caller: AuditedCaller | undefined, act: AuditedAct, error: unknown): void {
    if (!this.listens || !(error instanceof ToolgateError) || NO_REFUSALS.has(error.reason)) return;
    if (this.#recorded.has(error)) return;
    this.#recorded.add(error);
    this.#settings.onRefused?.(act, error.reason);
    if (this.level === "off") return;
    this.#flood.refused(this.#recordOf(caller, act, "refused", error.reason));
  }

  #recordOf(caller: AuditedCaller | undefined, act: AuditedAct, outcome: string, reason: string): AuditRecord {
    const principal = caller?.principal;
    return {
      event: act.event,
      tenant: act.tenant ?? principal?.tenant ?? DEFAULT_TENANT,
      principal: { tenant: principal?.tenant ?? "", id: principal?.id ?? "" },
      kind: principal?.kind ?? "",
      credential: caller?.credential ?? "",
      verb: act.verb,
      toolset: act.toolset ?? "",
      tool: act.tool ?? "",
      callId: act.callId ?? "",
      argumentsDigest: "",
      contractDigest: act.contractDigest ?? "",
      policyRevision: act.policyRevision ?? 0,
      rule: act.rule ?? "",
      outcome,
      reason,
      executed: outcome === "refused" ? "no" : act.executed,
      tookMs: 0,
      nodeId: this.#settings.node,
      omitted: 0,
    };
  }

  /** Into the shard of the toolset, so that a busy cluster has them spread; what has none, into the first one. */
  #write(record: AuditRecord): void {
    const { keyspace } = this.#settings;
    const isOfToolset = record.toolset !== "" && record.verb !== "administer";
    const keys = isOfToolset ? keyspace.forToolset(record.toolset as ToolsetName) : keyspace.shards[0]; // any text has a shard
    if (keys !== undefined) this.#shards.get(keys)?.add(record);
  }
}

/** What is to be written to one shard. One script at a time: records stay in order. */
class ShardWriter {
  readonly #store: CommittedStore;
  readonly #keys: ShardKeys;
  readonly #faults: FaultLog;
  #waiting: AuditRecord[] = [];
  #writing: Promise<void> | undefined;
  #stopped = false;
  dropped = 0;

  constructor(store: CommittedStore, keys: ShardKeys, faults: FaultLog) {
    this.#store = store;
    this.#keys = keys;
    this.#faults = faults;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(record: AuditRecord): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.dropped++;
      const error = new ToolgateError("STORE_UNAVAILABLE", `more than ${MAX_WAITING} records wait to be written`);
      this.#faults.warn({ event: "audit_records_dropped", error });
      return;
    }
    this.#waiting.push(record);
    this.#writing ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writing;
  }

  async #run(): Promise<void> {
    // What the turn has yet to say goes along.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      try {
        await writeAudit(this.#store, this.#keys, batch);
        this.#waiting.splice(0, batch.length);
      } catch (error) {
        // It may have been written: twice is better than not at all.
        this.#faults.warn({ event: "audit_failed", error }, RETRY_MS);
        if (this.#stopped) break;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.#writing = undefined;
  }
}
