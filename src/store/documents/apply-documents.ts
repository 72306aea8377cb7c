import { type CommittedStore, runConfirmed } from "../../redis/commits.js";
import type { Keyspace } from "../../redis/keys.js";
import { ANSWER_LUA, NOTIFY_LUA } from "../../redis/notify.js";
import { asArray, asNumber, asText, defineScript, evenWhenFull, type Reply } from "../../redis/script.js";
import { AUDIT_LUA } from "../audit/audit-lua.js";
import { KEEP_ASIDE_LUA } from "../keep-aside-lua.js";
import { MEND_LUA } from "../mend-lua.js";
import { requireTenancyFormat } from "../registry/raise-format.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { DOCUMENT_ENTRY_LUA, type DocumentEntry, encodeReason, readDocumentEntry } from "./document-entry.js";
import { DOCUMENT_HISTORY_LUA, MAX_HISTORY_BYTES } from "./document-history.js";
import { type DocumentRef, documentPath } from "./document-ref.js";

/** What reads and writes documents: a Redis, what its replicas say, and the registry's keys. */
export interface DocumentStore extends CommittedStore {
  readonly keyspace: Keyspace;
}

/** The most documents of a tenant, and the most bytes of their contents together. */
export const MAX_DOCUMENTS = 10_000;
export const MAX_TENANT_BYTES = 64 * 1_048_576;
/** Where a tenant's histories have come to more bytes, a document that is changed keeps only its latest former revision. */
export const MAX_TENANT_HISTORY_BYTES = 128 * 1_048_576;
/** How many removed documents of a tenant and kind keep their history. */
const REMOVED_KEPT = 1_000;
/** About how many revisions the stream of changes has. */
const CHANGES_KEPT = 1_000;

/** One document's change. */
export interface StoredChange {
  readonly ref: DocumentRef;
  /** The new content, known to be JSON; undefined to remove the document. */
  readonly body: Buffer | undefined;
  /** The revision that the change was made from, 0 for none; undefined for whatever there is. */
  readonly expectRevision: number | undefined;
  /** How many former revisions are kept. */
  readonly history: number;
}

/** Changes that are made together or not at all. */
export interface StoredChanges {
  /** At least one, each of another document. */
  readonly changes: readonly StoredChange[];
  /** `tenant/id`, without spaces. */
  readonly author: string;
  readonly reason: string;
  /** Only says what would change. */
  readonly dryRun: boolean;
  /** The registry's revision that the changes were judged by; undefined where they depend on no other documents. */
  readonly judgedBy: number | undefined;
  /** A revision that was there before: the next one is higher, also where Redis has lost everything since. */
  readonly above: number;
  /** The author as the audit is to have it, by `auditAuthor`; absent where changes are not recorded. */
  readonly audit?: string | undefined;
}

/** What became of one change. */
export interface StoredOutcome {
  readonly outcome: "created" | "changed" | "removed" | "unchanged";
  /** The document's revision now, or of a dry run the one that it has; 0 for none. */
  readonly revision: number;
  /** What it was; undefined where there was none, or nothing that can be read. */
  readonly before: DocumentEntry | undefined;
}

export type ApplyAnswer =
  | { readonly kind: "applied"; readonly revision: number; readonly outcomes: readonly StoredOutcome[] }
  /** The registry has another revision than the changes were judged by. */
  | { readonly kind: "outdated"; readonly revision: number }
  /** The document at this place has another revision than was expected; 0 for none. */
  | { readonly kind: "conflict"; readonly place: number; readonly revision: number }
  /** The document at this place is to be removed, and there never was one. */
  | { readonly kind: "unknown"; readonly place: number }
  /** The tenant of the document at this place would have too many documents, or too many bytes. */
  | { readonly kind: "full"; readonly place: number; readonly of: "documents" | "bytes" };

// Administrators must be able to forbid something when Redis is full: bounds on documents are the tenants' own.
const APPLY_DOCUMENTS = evenWhenFull(
  defineScript(
    "APPLY_DOCUMENTS",
    NOTIFY_LUA,
    "local prefix = KEYS[1]",
    MEND_LUA,
    DOCUMENT_ENTRY_LUA,
    DOCUMENT_HISTORY_LUA,
    `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`,
    WRONG_TYPE_LUA,
    KEEP_ASIDE_LUA,
    AUDIT_LUA,
    `
-- KEYS    [1] prefix, [2] documents, [3] stream of changes
-- ARGV    [1] author, [2] reason, [3] '1' for a dry run, [4] the revision that the changes were judged by or '', [5] a revision to be above,
--         [6] most documents of a tenant, [7] most bytes of a tenant, [8] the author for the audit or ''; then six for each change: path, tenant, kind, expected revision or '',
--         former revisions to keep, '+' and the content or '-' to remove it
-- Returns { 'applied', revision, { outcome, revision, the entry before or '' } for each change }
--         { 'outdated', revision }, { 'conflict', place, revision }, { 'unknown', place }, { 'full', place, 'documents' or 'bytes' }
local documents, changes = KEYS[2], KEYS[3]

-- What a tenant's documents come to: "1 <documents> <bytes> <bytes of their histories>".
local tallies = {}
local function tally_of(tenant)
  if not tallies[tenant] then
    local count, bytes, former = string.match(redis.call('HGET', documents, '@' .. tenant) or '', '^1 (%d+) (%d+) (%d+)')
    tallies[tenant] = { count = tonumber(count) or 0, bytes = tonumber(bytes) or 0, former = tonumber(former) or 0 }
  end
  return tallies[tenant]
end

local function decide()
  local revision = tonumber(string.match(redis.call('HGET', documents, '@revision') or '', '^%d+$') or '0')
  if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= revision then return { 'outdated', revision } end
  local plans, outcomes = {}, {}
  for at = 9, #ARGV, 6 do
    local place = (at - 9) / 6
    local path, tenant, kind, expected, most, change = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]), ARGV[at + 5]
    local body = string.sub(change, 1, 1) == '+' and string.sub(change, 2) or nil
    set_aside_unless('hash', 'document:' .. path)
    set_aside_unless('zset', 'removed-documents:' .. tenant .. '/' .. kind)
    local entry = redis.call('HGET', documents, path)
    local known = parse_document(entry)
    local former = load_history(path)
    local last = #former > 0 and former[#former].revision or 0
    local found = entry and (known and known.revision or -1) or 0
    if (body and known and known.body == body and known.state == 'live') or (not body and not entry and last > 0) then
      outcomes[#outcomes + 1] = { 'unchanged', entry and found or last, entry or '' }
    elseif expected ~= '' and tonumber(expected) ~= found and not (not entry and tonumber(expected) == last) then
      return { 'conflict', place, math.max(found, 0) }
    elseif not body and not entry then
      return { 'unknown', place }
    else
      local tally = tally_of(tenant)
      local more = (body and #body or 0) - (known and #known.body or 0)
      tally.count = tally.count + (entry and 0 or 1) - (body and 0 or 1)
      tally.bytes = math.max(0, tally.bytes + more)
      if body and not entry and tally.count > tonumber(ARGV[6]) then return { 'full', place, 'documents' } end
      if more > 0 and tally.bytes > tonumber(ARGV[7]) then return { 'full', place, 'bytes' } end
      plans[#plans + 1] = { path = path, tally = tally, removed = prefix .. 'removed-documents:' .. tenant .. '/' .. kind, known = known, former = former, most = most, body = body,
        audit = { tenant = tenant, kind = kind, name = string.sub(path, #tenant + #kind + 3) } }
      outcomes[#outcomes + 1] = { body and (entry and 'changed' or 'created') or 'removed', math.max(found, 0), entry or '', plan = #plans }
    end
  end
  if #plans == 0 or ARGV[3] == '1' then return { 'applied', revision, outcomes } end

  set_aside_unless('stream', 'document-changes')
  revision = math.max(revision, tonumber(ARGV[5])) + 1
  local paths = {}
  for place, plan in ipairs(plans) do
    paths[place] = plan.path
    local tally, most = plan.tally, plan.body and plan.most or plan.most + 1
    local former = plan.former
    local function keep(document)
      local most_bytes = tally.former > ${MAX_TENANT_HISTORY_BYTES} and 0 or ${MAX_HISTORY_BYTES}
      local grown
      former, grown = remember(plan.path, former, document, most, most_bytes)
      tally.former = math.max(0, tally.former + grown)
    end
    if plan.known then keep(plan.known) end
    local document = { revision = revision, written = now, state = plan.body and 'live' or 'removed', author = ARGV[1], reason = ARGV[2] }
    local head = format_document_head(document)
    if plan.body then
      redis.call('HSET', documents, plan.path, head .. '\\n' .. plan.body)
      redis.call('ZREM', plan.removed, plan.path)
    else
      redis.call('HDEL', documents, plan.path)
      keep({ revision = revision, head = head, body = '' })
      redis.call('ZADD', plan.removed, revision, plan.path)
      while redis.call('ZCARD', plan.removed) > ${REMOVED_KEPT} do
        local oldest = redis.call('ZRANGE', plan.removed, 0, 0)[1]
        tally.former = math.max(0, tally.former - forget_history(oldest))
        redis.call('ZREM', plan.removed, oldest)
      end
    end
  end
  for tenant, tally in pairs(tallies) do
    redis.call('HSET', documents, '@' .. tenant, string.format('1 %.0f %.0f %.0f', tally.count, tally.bytes, tally.former))
  end
  for _, outcome in ipairs(outcomes) do
    if outcome.plan then outcome[2] = revision end
  end
  local word = string.format('%.0f', revision)
  redis.call('HSET', documents, '@revision', word)
  redis.call('XADD', changes, 'MAXLEN', '~', ${CHANGES_KEPT}, '*', 'revision', word, 'documents', table.concat(paths, ' '))
  if ARGV[8] ~= '' then
    for _, plan in ipairs(plans) do audit_change(plan.audit, ARGV[8], word) end
    write_audit()
  end
  publish(prefix .. 'documents-changed', word)
  return { 'applied', revision, outcomes }
end
local answer = decide()
`,
    ANSWER_LUA,
  ),
);

/**
 * Changes documents, all or none, as one revision. A change that is there already is `unchanged`, whatever revision was expected: so a
 * change may be repeated whose answer was lost.
 *
 * @throws ToolgateError NODES_OUTDATED; STORE_UNAVAILABLE, which says whether the changes can have been made
 */
export async function applyStoredChanges(store: DocumentStore, request: StoredChanges): Promise<ApplyAnswer> {
  if (!request.dryRun) await requireTenancyFormat(store.redis, store.keyspace);
  const { shard, documents, changes } = store.keyspace.documents;
  const args = [
    ...[request.author, encodeReason(request.reason), request.dryRun ? "1" : "0"],
    ...[request.judgedBy ?? "", request.above, MAX_DOCUMENTS, MAX_TENANT_BYTES, request.audit ?? ""],
    ...request.changes.flatMap(({ ref, body, expectRevision, history }) => [
      ...[documentPath(ref), ref.tenant, ref.kind, expectRevision ?? "", history],
      body === undefined ? "-" : Buffer.concat([Buffer.from("+"), body]),
    ]),
  ];
  const reply = await runConfirmed(store, shard, APPLY_DOCUMENTS, [shard.prefix, documents, changes], args);
  return readAnswer(asArray(reply));
}

function readAnswer([kind, second, third]: readonly Reply[]): ApplyAnswer {
  const word = asText(kind);
  switch (word) {
    case "applied":
      return { kind: word, revision: asNumber(second), outcomes: asArray(third).map(readOutcome) };
    case "outdated":
      return { kind: word, revision: asNumber(second) };
    case "conflict":
      return { kind: word, place: asNumber(second), revision: asNumber(third) };
    case "unknown":
      return { kind: word, place: asNumber(second) };
    case "full":
      return { kind: word, place: asNumber(second), of: asText(third) === "bytes" ? "bytes" : "documents" };
    default:
      throw new TypeError("APPLY_DOCUMENTS answered something else");
  }
}

function readOutcome(reply: Reply): StoredOutcome {
  const [outcome, revision, before] = asArray(reply);
  const word = asText(outcome);
  if (word !== "created" && word !== "changed" && word !== "removed" && word !== "unchanged") {
    throw new TypeError("APPLY_DOCUMENTS answered another outcome");
  }
  return { outcome: word, revision: asNumber(revision), before: readDocumentEntry(asText(before)) };
}
