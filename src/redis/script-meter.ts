/** What measures a node's scripts. */
export interface ScriptMeter {
  /** A script was answered. @param tookMs from sending it to its answer */
  ran(script: string, tookMs: number): void;
  /** A script was refused, or its answer did not come. */
  failed(script: string): void;
  /** Calls that a script has ended, as it says them; see ends.lua. */
  ended(said: string): void;
}

/** What an answer begins with that comes with ends: no script answers so otherwise. */
const ENDED_BYTES = Buffer.from("\u0000ended");

/** Lua: adds to a script's \`answer\` what has ended, where the node asked for that. */
export const SAY_ENDS_LUA = `local said_ends = metered_ends()
if said_ends then answer = { '\\0ended', said_ends, answer } end`;

/** An answer, and what its script has ended. */
export interface MeteredAnswer<Answer> {
  readonly ended: string;
  readonly answer: Answer | undefined;
}

/** What stands in an answer that comes with ends; undefined where it comes with none. */
export function readMetered<Answer>(reply: Answer | readonly Answer[]): MeteredAnswer<Answer> | undefined {
  if (!Array.isArray(reply) || reply.length > 3) return undefined;
  const [mark, ended, answer] = reply as readonly Answer[]; // the check of a readonly array forgets what it holds
  if (!Buffer.isBuffer(mark) || !mark.equals(ENDED_BYTES)) return undefined;
  return { ended: String(ended), answer };
}
