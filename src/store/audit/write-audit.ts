import { type CommittedStore, runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { defineScript, evenWhenFull } from "../../redis/script.js";
import { KEEP_ASIDE_LUA } from "../keep-aside-lua.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { AUDIT_LUA } from "./audit-lua.js";
import { type AuditRecord, writeAuditRecord } from "./audit-record.js";

const WRITE_AUDIT = evenWhenFull(
  defineScript(
    "WRITE_AUDIT",
    WRONG_TYPE_LUA,
    `
-- KEYS    [1] prefix
-- ARGV    [1] records, a line each
-- Returns 0
local prefix, time = KEYS[1], redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`,
    KEEP_ASIDE_LUA,
    AUDIT_LUA,
    `
note_audit(ARGV[1])
write_audit()
return 0
`,
  ),
);

/**
 * Writes records that belong to no script of their own.
 *
 * @param records at least one, at most a hundred.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function writeAudit(
  store: CommittedStore,
  keys: ShardKeys,
  records: readonly AuditRecord[],
): Promise<void> {
  await runConfirmed(store, keys, WRITE_AUDIT, [keys.prefix], [records.map(writeAuditRecord).join("\n")]);
}
