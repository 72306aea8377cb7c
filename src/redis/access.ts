import { type Denial, describeDenials } from "../errors/redis-denial.js";
import type { NodeId } from "../identity/names.js";
import type { ShardKeys } from "./keys.js";
import type { RedisClient } from "./redis-client.js";
import { asArray, asNumber, defineScript, evenWhenFull, runScript } from "./script.js";

/**
 * What a node's user must be allowed in Redis; docs/redis-acl.md says the same to operators, and a test keeps the two, and the
 * scripts, in step.
 */

/** A command with its subcommand, and arguments as it is called with; `KEY` and `CHANNEL` stand for ones of the registry's. */
type Need = readonly [command: string, ...args: string[]];

const WITH_KEYS: readonly Need[] = [
  ["EVALSHA", "x", "1", "KEY"],
  ["EVAL", "x", "1", "KEY"],
  ["DEL", "KEY"],
  ["EXISTS", "KEY"],
  ["GET", "KEY"],
  ["GETRANGE", "KEY", "0", "1"],
  ["HDEL", "KEY", "x"],
  ["HEXISTS", "KEY", "x"],
  ["HGET", "KEY", "x"],
  ["HLEN", "KEY"],
  ["HMGET", "KEY", "x"],
  ["HSCAN", "KEY", "0"],
  ["HSET", "KEY", "x", "x"],
  ["HSETNX", "KEY", "x", "x"],
  ["MEMORY USAGE", "KEY"],
  ["MGET", "KEY"],
  ["PEXPIRE", "KEY", "1"],
  ["PEXPIREAT", "KEY", "1"],
  ["PEXPIRETIME", "KEY"],
  ["RENAME", "KEY", "KEY"],
  ["SET", "KEY", "x"],
  ["TYPE", "KEY"],
  ["XACK", "KEY", "x", "0-1"],
  ["XADD", "KEY", "*", "x", "x"],
  ["XCLAIM", "KEY", "x", "x", "0", "0-1"],
  ["XDEL", "KEY", "0-1"],
  ["XGROUP CREATE", "KEY", "x", "0"],
  ["XGROUP DELCONSUMER", "KEY", "x", "x"],
  ["XINFO CONSUMERS", "KEY", "x"],
  ["XINFO GROUPS", "KEY"],
  ["XINFO STREAM", "KEY"],
  ["XLEN", "KEY"],
  ["XPENDING", "KEY", "x"],
  ["XRANGE", "KEY", "-", "+"],
  ["XREADGROUP", "GROUP", "x", "x", "STREAMS", "KEY", ">"],
  ["XREVRANGE", "KEY", "+", "-"],
  ["XTRIM", "KEY", "MAXLEN", "1"],
  ["ZADD", "KEY", "1", "x"],
  ["ZCARD", "KEY"],
  ["ZINCRBY", "KEY", "1", "x"],
  ["ZRANGE", "KEY", "0", "1"],
  ["ZRANGEBYLEX", "KEY", "-", "+"],
  ["ZRANGEBYSCORE", "KEY", "0", "1"],
  ["ZREM", "KEY", "x"],
  ["ZREMRANGEBYSCORE", "KEY", "0", "1"],
  ["ZSCAN", "KEY", "0"],
  ["ZSCORE", "KEY", "x"],
];
const WITH_CHANNELS: readonly Need[] = [
  ["SPUBLISH", "CHANNEL", "x"],
  ["SSUBSCRIBE", "CHANNEL"],
  ["SUNSUBSCRIBE", "CHANNEL"],
];
const ALONE: readonly Need[] = [["PING"], ["TIME"]];
/** Of a Redis Cluster: which master has which slots, and a slot that is being moved. */
const IN_CLUSTER: readonly Need[] = [["CLUSTER NODES"], ["ASKING"]];
/** With `durability: replicated`: which history a master writes, and whether the replicas have it. */
const WITH_REPLICAS: readonly Need[] = [["INFO"], ["WAIT", "1", "1"]];

/** What a node does without, and says what it cannot check then. */
const OPTIONAL = ["INFO", "CONFIG GET", "CLIENT SETNAME", "CLIENT SETINFO"];

/** What depends on how a node uses its Redis. */
export interface RedisUse {
  /** It is a Redis Cluster. */
  readonly cluster: boolean;
  /** Replicas are waited for. */
  readonly replicated: boolean;
}

function needsOf({ cluster, replicated }: RedisUse): readonly Need[] {
  return [
    ...WITH_KEYS,
    ...WITH_CHANNELS,
    ...ALONE,
    ...(cluster ? IN_CLUSTER : []),
    ...(replicated ? WITH_REPLICAS : []),
  ];
}

/** Every command that a node must be allowed, as ACL rules write them: `xgroup|create`. */
export function neededCommands(use: RedisUse): readonly string[] {
  return needsOf(use).map(([command]) => aclName(command));
}

/** The commands that are worth allowing, and can be left out. */
export function optionalCommands(): readonly string[] {
  return OPTIONAL.map(aclName);
}

const aclName = (command: string): string => command.toLowerCase().replace(" ", "|");

// Runs none of them. A Redis that cannot say is not asked.
const TRY = evenWhenFull(
  defineScript(
    "TRY_ACCESS",
    `
-- KEYS    [1] a key of the shard's
-- ARGV    [1] commands to try, a line each: command, subcommand or -, arguments
-- Returns two for each command that the user may not run: its place; 1 when the command itself is denied, 0 when what it names is
local denied, place = {}, 0
local function may(words)
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  return not known or allowed
end
for line in string.gmatch(ARGV[1], '[^\\n]+') do
  place = place + 1
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
  local command = { words[1], words[2] ~= '-' and words[2] or nil }
  if words[2] == '-' then table.remove(words, 2) end
  if not may(words) then
    denied[#denied + 1] = place
    denied[#denied + 1] = may(command) and 0 or 1
  end
end
return denied
`,
  ),
);

/**
 * Finds out what a node's user may not do in a shard, of all that a node does there; Redis judges each command, key and channel as if
 * it were used, and nothing is.
 *
 * @param node whose own channel is tried too.
 * @returns what is missing and how to allow it, in a sentence; nothing when nothing is missing.
 * @throws ToolgateError STORE_UNAVAILABLE; also where not even the question is allowed, and then its text names that.
 */
export async function missingAccess(
  redis: RedisClient,
  keys: ShardKeys,
  node: NodeId,
  use: RedisUse,
): Promise<string | undefined> {
  const channels = [keys.changed, keys.pings, keys.node(node), `${keys.prefix}work:x:1`];
  const tries = needsOf(use).flatMap((need) =>
    need.includes("CHANNEL") ? channels.map((channel) => ({ need, channel })) : [{ need, channel: "" }],
  );
  const lines = tries.map(({ need: [command, ...args], channel }) => {
    const words = args.map((word) => (word === "KEY" ? `${keys.prefix}x` : word === "CHANNEL" ? channel : word));
    return [command.includes(" ") ? command : `${command} -`, ...words].join(" ");
  });
  const reply = asArray(await runScript(redis, TRY, [keys.prefix], [lines.join("\n")])).map(asNumber);
  const denials: Pick<Denial, "kind" | "command">[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const need = tries[(reply[i] ?? 0) - 1]?.need;
    if (need === undefined) continue;
    const on = need.includes("CHANNEL") ? "channel" : "key";
    denials.push({ kind: reply[i + 1] === 1 ? "command" : on, command: need[0] });
  }
  return denials.length === 0 ? undefined : describeDenials(denials, `${keys.prefix}*`);
}
