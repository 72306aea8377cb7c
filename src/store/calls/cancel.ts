import type { CallId } from "../../identity/call-id.js";
import { runConfirmed } from "../../redis/commits.js";
import { asArray, asBuffer, asText, evenWhenFull } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import { parseSaidEnding, type SaidEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";

export type CancelAnswer =
  | { readonly kind: "unknown" }
  /** It has ended: just now, because no provider had claimed it, or before. */
  | { readonly kind: "ended"; readonly ending: SaidEnding }
  /** Its provider was asked to stop it. */
  | { readonly kind: "told" };

const CANCEL = evenWhenFull(
  defineCallScript(
    "CANCEL",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] id
-- Returns { 'unknown' }
--         { 'ended', its end }
--         { 'told' }: its provider is asked to stop
local call = load_call(ARGV[1])
if not call then return { 'unknown' } end
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

/** Cancels a call: one that waits ends at once, one that runs is asked to stop. */
export async function cancelCall(store: CallStore, id: CallId): Promise<CancelAnswer> {
  const keys = store.keyspace.forCall(id);
  if (keys === undefined) return { kind: "unknown" };
  const [kind, terminal] = asArray(await runConfirmed(store, keys, CANCEL, [keys.prefix, keys.due], [id]));
  switch (asText(kind)) {
    case "ended":
      return { kind: "ended", ending: parseSaidEnding(asBuffer(terminal)) };
    case "told":
      return { kind: "told" };
    default:
      return { kind: "unknown" };
  }
}
