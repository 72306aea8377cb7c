import type { ShardKeys } from "../../redis/keys.js";
import { asText, runScript } from "../../redis/script.js";
import { defineCallScript } from "../calls/call-lua.js";
import type { CallStore } from "../calls/call-store.js";
import type { CallLimit, LimitRefusal } from "./call-limit.js";
import { LimitLines } from "./limit-lines.js";
import { LIMITS_LUA } from "./limits-lua.js";

const PEEK_LIMITS = defineCallScript(
  "PEEK_LIMITS",
  LIMITS_LUA,
  `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] limits, a line each: kind, subject, how many, microseconds; [2] the group of their lines, with commas between them
-- Returns 'free' where they would let a call in now; or 'limited ...' as ADMIT does. Nothing is counted
local limiter = read_limits(ARGV[1], ARGV[2])
return limiter.refused_by(limiter.groups[1], '-') or 'free'
`,
);

/**
 * Whether limits would let a call in now, by the code that decides it of calls; none is counted.
 *
 * @param keys the shard that they count in.
 * @returns which one would not, of several the one that lasts longest; nothing where all would
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function peekLimits(
  store: CallStore,
  keys: ShardKeys,
  limits: readonly CallLimit[],
): Promise<LimitRefusal | undefined> {
  if (limits.length === 0) return undefined;
  const lines = new LimitLines();
  lines.group(limits);
  const [word, ...rest] = asText(
    await runScript(store.redis, PEEK_LIMITS, [keys.prefix, keys.due], [lines.text, lines.groups]),
  ).split(" ");
  return word === "limited" ? lines.refusal(rest) : undefined;
}
