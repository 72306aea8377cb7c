import type { CallId } from "../../identity/call-id.js";
import type { CallerName } from "../../identity/caller-name.js";
import { runConfirmed } from "../../redis/commits.js";
import { asArray, asBuffer, asText, evenWhenFull } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import { type CallHead, parseHead, parseSaidEnding, type SaidEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";

export type CancelAnswer =
  | { readonly kind: "unknown" }
  /** It is another caller's; nothing was done. */
  | { readonly kind: "others"; readonly head: CallHead }
  /** It has ended: just now, because no provider had claimed it, or before. */
  | { readonly kind: "ended"; readonly ending: SaidEnding }
  /** Its provider was asked to stop it. */
  | { readonly kind: "told" };

const CANCEL = evenWhenFull(
  defineCallScript(
    "CANCEL",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] id, [2] the tenant and principal whose call it must be, or nothing where it may be anybody's
-- Returns { 'unknown' }
--         { 'others', head }: it is another one's
--         { 'ended', its end }
--         { 'told' }: its provider is asked to stop
local call = load_call(ARGV[1])
if not call then return { 'unknown' } end
if ARGV[2] ~= '' and call.caller ~= ARGV[2] then return { 'others', call.head } end
if call.terminal then return { 'ended', said_end(call) } end
if call.state == 'queued' then return { 'ended', finish_unclaimed(call, 'CANCELLED') } end
if not call.cancel then
  call.cancel = 'CANCELLED'
  save_call(call)
end
notify(call.node, 'c', call.id, call.attempt .. ' CANCELLED')
return { 'told' }
`,
  ),
);

/**
 * Cancels a call: one that waits ends at once, one that runs is asked to stop.
 *
 * @param by the caller whose call it must be; undefined for anybody's.
 */
export async function cancelCall(store: CallStore, id: CallId, by?: CallerName): Promise<CancelAnswer> {
  const keys = store.keyspace.forCall(id);
  if (keys === undefined) return { kind: "unknown" };
  const [kind, terminal] = asArray(await runConfirmed(store, keys, CANCEL, [keys.prefix, keys.due], [id, by ?? ""]));
  switch (asText(kind)) {
    case "ended":
      return { kind: "ended", ending: parseSaidEnding(asBuffer(terminal)) };
    case "others":
      return { kind: "others", head: parseHead(asText(terminal)) };
    case "told":
      return { kind: "told" };
    default:
      return { kind: "unknown" };
  }
}
