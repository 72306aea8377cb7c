import { ERROR_CODES } from "../../errors/codes.js";
import { readLua } from "../../redis/lua-file.js";
import { DAY_MS, LONGEST_RETENTION_MS, RECORDS_FIELD } from "./audit-stream.js";

/**
 * Lua by which scripts write audit records, in the same execution as what they are about. Needs `prefix`, `now` in milliseconds,
 * `is_wrong_type` and `keep_aside`; a script that notes records must call `write_audit` at its end.
 */
export const AUDIT_LUA = readLua(import.meta.url, "audit.lua", {
  DAY_MS,
  LONGEST_RETENTION_MS,
  RECORDS_FIELD,
  KNOWN_REASONS: ` ${Object.keys(ERROR_CODES).join(" ")} `,
});
