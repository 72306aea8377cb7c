import { readLua } from "./lua-file.js";

/**
 * Notifications: what scripts say on channels. A notification is only speed, for what it announces is in Redis; so a script notifies last, and a
 * notification that Redis refuses changes nothing of what was done, nor of the answer. The answer then comes within a notice of it.
 */

/** What an answer begins with that comes within a notice: no script answers so otherwise. */
const UNPUBLISHED = "\u0000unpublished";
const UNPUBLISHED_BYTES = Buffer.from(UNPUBLISHED);

/** Lua: says something on a channel. `unpublished` is why Redis refused to, once it did. */
export const NOTIFY_LUA = readLua(import.meta.url, "notify.lua");

/** Lua: ends a script with its \`answer\`, and with what is to be known of its notifications. */
export const ANSWER_LUA = "if unpublished then return { '\\0unpublished', unpublished, answer } end\nreturn answer";

/** An answer, and why its script could not notify; the text is Redis's. */
export interface UnpublishedAnswer<Answer> {
  readonly why: string;
  readonly answer: Answer | undefined;
}

/** What stands in a notice; nothing when the reply is none, as nearly all are. */
export function readUnpublished<Answer>(reply: Answer | readonly Answer[]): UnpublishedAnswer<Answer> | undefined {
  if (!Array.isArray(reply) || reply.length > 3) return undefined;
  const [mark, why, answer] = reply as readonly Answer[]; // the check of a readonly array forgets what it holds
  if (!Buffer.isBuffer(mark) || !mark.equals(UNPUBLISHED_BYTES)) return undefined;
  return { why: String(why), answer };
}
