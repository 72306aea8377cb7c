import { DEFAULT_TENANT } from "../../identity/tenant.js";
import { readLua } from "../../redis/lua-file.js";
import { AUDIT_LUA } from "../audit/audit-lua.js";
import { QUEUE_DELIVERIES_LUA } from "../deliveries/queue-deliveries.js";
import { KEEP_ASIDE_LUA } from "../keep-aside-lua.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { ENDED_CALLS_LUA } from "./ended-calls.js";
import { STRAYS } from "./strays.js";

/** The largest end that is said beside other things, in bytes. A larger one is read apart, in turns: see large-readings.ts. */
export const SAID_BYTES = 16_384;
/** How much the ends may have together that one execution says, in bytes. */
const SAID_TOGETHER_BYTES = 65_536;
/** What is read of a record at first: such an end, and what comes before it in the record. */
export const PEEKED_BYTES = SAID_BYTES + 1_024;

/** What a record begins with. Another number is another format, which only nodes that know it may meet: see node-list.ts. */
const FORMAT = "1";
/** Lua patterns of what follows a record's first line: where a living call stands, by its first words; and the line of a terminal. */
export const LIFE_BEGIN = "^%l[%w_-]* %d+ %d+%-%d+ ";
export const TERMINAL_LINE = "^%l[%w_-]* %S+ %d+ %d+[^\n]*\n";

/**
 * Lua that reads and writes a call's record. A script that uses it has `prefix`, `due` and `now` in milliseconds.
 *
 * A record is one string, so that reading it is one command, and so is writing it. It begins with the number of its format. The
 * rest of its first line is what was fixed at the admission: the digest of the request (`-` where it cannot be repeated, `*`
 * where the record was lost: any request's), then the head: toolset, tool, epoch, contract, delivery, deadline, retention, time
 * of the admission, tenant and principal; `audited` where the audit has the call, and so is to have its end; `listed` where its end is to
 * be listed (see ended-calls.ts); and `webhooks=<tenant>/<name>,…` where webhooks are to be told of it (see delivery-format.ts). What follows says where the call stands:
 *
 * - while it lives, one line: state (queued, claimed), attempt, entry in the requests stream, whether it is pinned to its
 *   contract, why it was asked to stop (or `-`), bytes of output (`-` without any, `over` when some was refused), end of the
 *   claim, when it is due, when it was claimed first (or 0), owner (provider/incarnation, or `-`) and after commas those of the
 *   attempts before, node that delivers it (or `-`), nodes to notify (each after a comma, or `-`); a queued call's owner is the one
 *   that it was lost by;
 * - when it has ended, its terminal: kind, reason, attempt, time of the end and of the first claim in a line, then its body. The
 *   reason of a result is `-`, or `unchecked` where it was not checked against its schema.
 *
 * A later version may append words to each of these three lines, and use other words for a state, a delivery or a kind. A node
 * that does not know them keeps them: what it rewrites has the same words behind its own. A call in an unknown state is neither
 * claimed nor taken from its owner; at its deadline its outcome is unknown. An unknown delivery is `once`: nothing runs twice.
 *
 * It expires when its handle said that it would: so long after its deadline, however early it ended.
 */
export const RECORD_LUA =
  WRONG_TYPE_LUA +
  KEEP_ASIDE_LUA +
  AUDIT_LUA +
  readLua(import.meta.url, "number-text.lua") +
  readLua(import.meta.url, "ends.lua") +
  ENDED_CALLS_LUA +
  QUEUE_DELIVERIES_LUA +
  readLua(import.meta.url, "record.lua", {
    DEFAULT_TENANT,
    FORMAT_WORD: `${FORMAT} `,
    DIGEST_PLACE: FORMAT.length + 2,
    TERMINAL_LINE,
    STRAYS,
    PEEKED_BYTES,
    SAID_BYTES,
    SAID_TOGETHER_BYTES,
  });
