import type { AuditRecord } from "../../store/audit/audit-record.js";

/** How many refusals of one principal and reason are recorded each by itself, in a second. */
const EACH = 20;
/** How many principals and reasons are told apart in a second. */
const MAX_APART = 1_000;
const WINDOW_MS = 1_000;

interface Counted {
  readonly last: AuditRecord;
  times: number;
}

/**
 * Keeps refusals from filling the audit: of each principal and reason the first twenty in a second are recorded, and of those that follow
 * one record at its end, with how many it stands for.
 */
export class RefusalFlood {
  readonly #monotonicMs: () => number;
  readonly #record: (record: AuditRecord) => void;
  readonly #counted = new Map<string, Counted>();
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(monotonicMs: () => number, record: (record: AuditRecord) => void) {
    this.#monotonicMs = monotonicMs;
    this.#record = record;
  }

  refused(record: AuditRecord): void {
    if (this.#monotonicMs() - this.#sinceMs >= WINDOW_MS) this.#end();
    const { tenant, principal, reason, toolset } = record;
    const own = `${tenant} ${principal.tenant}/${principal.id} ${reason}`;
    const isCrowd = !this.#counted.has(own) && this.#counted.size >= MAX_APART;
    const key = isCrowd ? "" : own;
    const counted = this.#counted.get(key);
    if (counted !== undefined) {
      counted.times++;
      if (counted.times <= EACH) this.#record(record);
      return;
    }
    if (this.#timer === undefined) {
      this.#sinceMs = this.#monotonicMs();
      this.#timer = setTimeout(() => this.#end(), WINDOW_MS).unref();
    }
    const principalOfCrowd = { tenant: "", id: "" };
    const last = isCrowd ? { ...record, principal: principalOfCrowd, credential: "", tool: "" } : record;
    this.#counted.set(key, { last: { ...last, toolset }, times: 1 });
    this.#record(record);
  }

  /** Says what was left out so far. */
  stop(): void {
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { last, times } of this.#counted.values()) {
      if (times > EACH) this.#record({ ...last, tool: "", callId: "", omitted: times - EACH });
    }
    this.#counted.clear();
  }
}
