import { readLua } from "./lua-file.js";

/**
 * Bells: what scripts say on channels. A bell is only speed, for what it announces is in Redis; so a script rings last, and a
 * bell that Redis refuses changes nothing of what was done, nor of the answer. The answer then comes within a notice of it.
 */

/** What an answer begins with that comes within a notice: no script answers so otherwise. */
const UNRUNG = "\u0000unrung";
const UNRUNG_BYTES = Buffer.from(UNRUNG);

/** Lua: says something on a channel. `unrung` is why Redis refused to, once it did. */
export const BELLS_LUA = readLua(import.meta.url, "notify.lua");

/** Lua: ends a script with its \`answer\`, and with what is to be known of its bells. */
export const ANSWER_LUA = "if unrung then return { '\\0unrung', unrung, answer } end\nreturn answer";

/** An answer, and why its script could not ring; the text is Redis's. */
export interface UnrungAnswer<Answer> {
  readonly why: string;
  readonly answer: Answer | undefined;
}

/** What stands in a notice; nothing when the reply is none, as nearly all are. */
export function readUnrung<Answer>(reply: Answer | readonly Answer[]): UnrungAnswer<Answer> | undefined {
  if (!Array.isArray(reply) || reply.length > 3) return undefined;
  const [mark, why, answer] = reply as readonly Answer[]; // the check of a readonly array forgets what it holds
  if (!Buffer.isBuffer(mark) || !mark.equals(UNRUNG_BYTES)) return undefined;
  return { why: String(why), answer };
}
