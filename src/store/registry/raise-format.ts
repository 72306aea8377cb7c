import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";

/**
 * The format of registries that have documents, or toolsets of other tenants than the default one. A version that knows no later one
 * than the first serves without authentication, and takes such toolsets for damaged.
 */
export const TENANCY_FORMAT = 2;

/** When it is of use to try again, in milliseconds: a node that was stopped is listed for as long. */
const RETRY_MS = 30_000;
/** The most nodes that a message names. */
const NAMED_NODES = 3;

const RAISE_FORMAT = evenWhenFull(
  defineScript(
    "RAISE_FORMAT",
    `
-- KEYS    [1] nodes, [2] format
-- ARGV    [1] the number of the formats that is needed
-- Returns nodes that are listed and do not know it, each with its version behind it; where there are none, the registry has it now
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local format, needed = redis.call('GET', KEYS[2]), tonumber(ARGV[1])
if format and (tonumber(format) or 0) >= needed then return {} end
local older, cursor = {}, '0'
local listed = redis.call('TYPE', KEYS[1]).ok == 'hash'
while listed do
  local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 1000)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    local ends, known, version = string.match(page[2][i + 1], '^%d+ (%d+) (%d+) (%S+)')
    if ends and tonumber(ends) > now and tonumber(known) < needed then
      older[#older + 1] = page[2][i]
      older[#older + 1] = version
    end
  end
  listed = cursor ~= '0'
end
if #older == 0 then redis.call('SET', KEYS[2], ARGV[1]) end
return older
`,
  ),
);

/**
 * Makes sure that a registry is kept in the format of registries with tenants and documents, before the first of them is written: from
 * then on no node starts that does not know it, and none runs.
 *
 * @throws ToolgateError NODES_OUTDATED while a node is listed that does not know the format; STORE_UNAVAILABLE
 */
export async function requireTenancyFormat(redis: RedisClient, keyspace: Keyspace): Promise<void> {
  const keys = [keyspace.nodesKey, keyspace.formatKey];
  const older = asArray(await runScript(redis, RAISE_FORMAT, keys, [TENANCY_FORMAT])).map(asText);
  if (older.length === 0) return;
  const named = Array.from({ length: older.length / 2 }, (_, at) => `${older[2 * at]} (${older[2 * at + 1]})`);
  const rest = named.length > NAMED_NODES ? `, and ${named.length - NAMED_NODES} more` : "";
  throw new ToolgateError(
    "NODES_OUTDATED",
    `some nodes of the cluster do not know tenants and documents yet: ${named.slice(0, NAMED_NODES).join(", ")}${rest}; upgrade them first`,
    { retryAfterMs: RETRY_MS },
  );
}
