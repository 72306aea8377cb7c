import { changeScript, type Script } from "./script.js";

/** Lua: the id of the history that this master writes, which changes at each promotion; empty where Redis does not tell. */
export const HISTORY_LUA = "string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''";

/** A script of calls begins so: its notifications name the history where its outcome is to be confirmed, and none otherwise. */
export const NO_HISTORY_LUA = "local history = ''";

/** A refusal that a script hands on is the whole answer: within an array it would pass for one. */
const PASS_REFUSALS_LUA = "if type(answer) == 'table' and answer.err then return answer end";

/** The same script, answering `{ history, what it answered }`. Flags in its first line stay there. */
export function withHistory(script: Script): Script {
  return changeScript(script, (lua) => {
    const [flags = ""] = /^#![^\n]*\n/.exec(lua) ?? [];
    const body = lua.slice(flags.length).replace(NO_HISTORY_LUA, "");
    return `${flags}local history = ${HISTORY_LUA}\nlocal function decide()\n${body}\nend\nlocal answer = decide()\n${PASS_REFUSALS_LUA}\nreturn { history, answer }`;
  });
}
