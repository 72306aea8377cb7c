import { type AuditFilter, type AuditReaderParts, queryAudit } from "../../access/audit/query-audit.js";
import { tailAudit } from "../../access/audit/tail-audit.js";
import { type VerifySettings, verifyAudit } from "../../access/audit/verify-audit.js";
import { requireIn } from "../../access/require.js";
import { openPageToken, sealPageToken } from "../../catalog/page-token.js";
import type { Executed } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { invalidField } from "../../identity/names.js";
import { parseTenantName, type TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
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
/** How many readings of this kind a node has at once: the audit may be large. */
const MOST_AT_ONCE = { tail: 32, verify: 2 };
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
      const leave = tails.enter();
      try {
        for await (const records of tailAudit(parts, filter, parts.nowMs, context.signal)) {
          yield { records: records.map((record) => writeRecord(record, context)) };
        }
      } finally {
        leave();
      }
    }),

    VerifyAudit: unary(async (request, context) => {
      const { tenant } = context.principal;
      requireIn(context.access, "audit", tenant);
      const leave = checks.enter();
      try {
        const verdict = await verifyAudit(parts, tenant, timeOf(request.fromMs, "from_ms"), context.signal);
        return { records: verdict.records, faults: [...verdict.faults], sealedUntil: verdict.sealedUntil };
      } finally {
        leave();
      }
    }),
  };
}

/** So many at once. */
class AtOnce {
  readonly #what: string;
  readonly #most: number;
  #now = 0;

  constructor(what: string, most: number) {
    this.#what = what;
    this.#most = most;
  }

  /** @returns what is to be called at the end. @throws ToolgateError LIMIT_EXCEEDED */
  enter(): () => void {
    if (this.#now >= this.#most) {
      const message = `this node has as many ${this.#what} as it may (${this.#most}); retry later, or at another node`;
      throw new ToolgateError("LIMIT_EXCEEDED", message, { retryAfterMs: BUSY_RETRY_MS });
    }
    this.#now++;
    return () => {
      this.#now--;
    };
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
