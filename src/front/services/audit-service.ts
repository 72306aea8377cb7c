import { type AuditFilter, type AuditReaderParts, queryAudit } from "../../access/audit/query-audit.js";
import { tailAudit } from "../../access/audit/tail-audit.js";
import { type VerifySettings, verifyAudit } from "../../access/audit/verify-audit.js";
import { requireIn } from "../../access/require.js";
import { openPageToken, sealPageToken } from "../../catalog/page-token.js";
import type { Executed } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { invalidField } from "../../identity/names.js";
import { ownerName, type Principal } from "../../identity/principal.js";
import { parseTenantName, type TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
import { FairQuota } from "../../limits/fair-quota.js";
import type { AuditHandlers } from "../../protocol/generated/toolgate/v1/Audit.js";
import type { AuditFilter__Output } from "../../protocol/generated/toolgate/v1/AuditFilter.js";
import type { AuditRecord as WireRecord } from "../../protocol/generated/toolgate/v1/AuditRecord.js";
import type { PlacedRecord } from "../../store/audit/audit-record.js";
import type { CallContext } from "./call-context.js";
import { type Methods, serverStream, unary } from "./methods.js";

export interface AuditServiceParts extends AuditReaderParts, VerifySettings {
  /** Unix milliseconds by Redis's clock. */
  readonly nowMs: () => number;
}

const PAGE = { usual: 100, most: 1_000 };
/** How many readings of a kind a node has at once, in all and of one tenant: the audit may be large. */
const MOST_AT_ONCE = { tail: { inAll: 32, ofTenant: 16 }, verify: { inAll: 2, ofTenant: 1 } };
/** What a caller should wait when there are so many, in milliseconds. */
const BUSY_RETRY_MS = 2_000;
/** The longest text that a filter may have. */
const MAX_TEXT = 512;
const ENTRY = /^[0-9]{1,15}-[0-9]{1,15}$/;
/** The latest time that there is: the last one of Redis's streams that is a number here. */
const FOR_EVER_MS = 999_999_999_999_999;

/** The auditors' side of the audit. A caller needs to `audit` the tenant whose records it asks for. */
export function auditMethods(parts: AuditServiceParts): Methods<AuditHandlers> {
  const tails = new AtOnce("tails of the audit", MOST_AT_ONCE.tail);
  const checks = new AtOnce("checks of the audit", MOST_AT_ONCE.verify);
  return {
    QueryAudit: unary(async (request, context) => {
      const { filter, fromMs, untilMs, question } = readFilter(request.filter, context);
      const size = request.pageSize === 0 ? PAGE.usual : Math.min(request.pageSize, PAGE.most);
      const after = request.pageToken === "" ? undefined : openPosition(request.pageToken, question);
      const { records, next } = await queryAudit(parts, filter, fromMs, untilMs, after, size, context.signal);
      return {
        records: records.map((record) => writeRecord(record, context)),
        nextPageToken: next === undefined ? "" : sealPageToken(question, [next.entry, next.shard, next.line]),
      };
    }),

    TailAudit: serverStream(async function* (request, context) {
      const { filter } = readFilter(request.filter, context);
      context.recheckBy((access) => requireIn(access, "audit", filter.tenant));
      const { signal, leave } = tails.enter(context);
      try {
        for await (const records of tailAudit(parts, filter, parts.nowMs, signal)) {
          yield { records: records.map((record) => writeRecord(record, context)) };
        }
      } catch (error) {
        throw signal.aborted ? signal.reason : error; // timers make an error of their own of it
      } finally {
        leave();
      }
    }),

    VerifyAudit: unary(async (request, context) => {
      const { tenant } = context.principal;
      requireIn(context.access, "audit", tenant);
      const { signal, leave } = checks.enter(context);
      try {
        const verdict = await verifyAudit(parts, tenant, timeOf(request.fromMs, "from_ms"), signal);
        return { records: verdict.records, faults: [...verdict.faults], sealedUntil: verdict.sealedUntil };
      } finally {
        leave();
      }
    }),
  };
}

/** A reading that goes on. */
interface Reading {
  /** Aborted when the caller has gone, or the reading has to make room. */
  readonly signal: AbortSignal;
  /** To be called at the end. */
  leave(): void;
}

/**
 * So many readings at once. Tenants share them: where none is left, one of the tenant that has the most makes room for a tenant that has
 * fewer, and within a tenant the same holds for its principals.
 */
class AtOnce {
  readonly #what: string;
  readonly #quota: FairQuota;
  readonly #owners = new Map<string, object>();
  #entered = 0;

  constructor(what: string, { inAll, ofTenant }: { readonly inAll: number; readonly ofTenant: number }) {
    this.#what = what;
    this.#quota = new FairQuota(inAll, ofTenant);
  }

  /** @throws ToolgateError LIMIT_EXCEEDED; the signal's reason is one too where the reading makes room */
  enter({ principal, signal }: Pick<CallContext, "principal" | "signal">): Reading {
    const makeRoom = new AbortController();
    const at = this.#entered++;
    const permit = this.#quota.acquire(principal.tenant, {
      owner: this.#ownerOf(principal),
      usedAt: () => at,
      evict: () => makeRoom.abort(this.#busy("has given this one's place to another caller, who has fewer")),
    });
    if (permit === "full") throw this.#busy("has as many as it may");
    if (permit === "host_full") throw this.#busy("has as many of this tenant as it may");
    return { signal: AbortSignal.any([signal, makeRoom.signal]), leave: () => permit.release() };
  }

  /** Stands for a principal: it may come by several credentials. */
  #ownerOf({ tenant, id }: Principal): object {
    if (this.#quota.count === 0) this.#owners.clear();
    const name = ownerName({ tenant, id });
    const known = this.#owners.get(name) ?? {};
    this.#owners.set(name, known);
    return known;
  }

  #busy(why: string): ToolgateError {
    const message = `this node ${why} (${this.#what}); retry later, or at another node`;
    return new ToolgateError("LIMIT_EXCEEDED", message, { retryAfterMs: BUSY_RETRY_MS });
  }
}

interface ReadFilter {
  readonly filter: AuditFilter;
  readonly fromMs: number;
  readonly untilMs: number;
  /** What a page token is bound to. */
  readonly question: unknown;
}

function readFilter(wire: AuditFilter__Output | null, context: CallContext): ReadFilter {
  const own = context.principal.tenant;
  const tenant = wire === null || wire.tenant === "" ? own : parseTenantName(wire.tenant, "filter.tenant");
  requireIn(context.access, "audit", tenant);
  const text = (field: "principal" | "event" | "toolset" | "tool" | "callId" | "outcome"): string => {
    const said = wire?.[field] ?? "";
    if (said.length > MAX_TEXT) throw invalidField(`filter.${field}`, `must be at most ${MAX_TEXT} characters`);
    return said;
  };
  const filter: AuditFilter = {
    tenant,
    principal: text("principal"),
    event: text("event"),
    toolsets: keptToolsets(own, text("toolset")),
    tool: text("tool"),
    callId: text("callId"),
    outcome: text("outcome"),
  };
  const fromMs = timeOf(wire?.fromMs ?? 0, "filter.from_ms");
  const untilMs = timeOf(wire?.untilMs ?? 0, "filter.until_ms") || FOR_EVER_MS;
  return { filter, fromMs, untilMs, question: ["audit", own, filter, fromMs, untilMs] };
}

/** How records may have it: as a toolset's name, or as the kind of a document. */
function keptToolsets(tenant: TenantName, text: string): readonly string[] {
  if (text === "") return [];
  try {
    return [text, resolveToolset(tenant, text, "filter.toolset")];
  } catch {
    return [text];
  }
}

function timeOf(ms: number, field: string): number {
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > FOR_EVER_MS) throw invalidField(field, "must be Unix milliseconds");
  return ms;
}

function openPosition(token: string, question: unknown) {
  const [entry, shard, line] = openPageToken(token, question, ["string", "number", "number"]);
  if (!ENTRY.test(entry)) throw invalidField("page_token", "must be the next_page_token of an earlier answer");
  return { entry, shard, line };
}

const WIRE_EXECUTED = { no: "EXECUTED_NO", yes: "EXECUTED_YES", unknown: "EXECUTED_UNKNOWN" } as const satisfies Record<
  Executed,
  string
>;

function writeRecord(record: PlacedRecord, { principal: { tenant } }: CallContext): WireRecord {
  const { principal, executed, toolset, verb, ...same } = record;
  const isOfToolset = toolset !== "" && verb !== "administer";
  return {
    ...same,
    verb,
    toolset: isOfToolset ? shownToolset(tenant, toolset as Parameters<typeof shownToolset>[1]) : toolset, // as it was parsed when it was recorded
    principal: principal.id === "" ? "" : `${principal.tenant}/${principal.id}`,
    ...(executed === undefined ? {} : { executed: WIRE_EXECUTED[executed] }),
  };
}
