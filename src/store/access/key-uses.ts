import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asNumber, asText, defineScript, runScript } from "../../redis/script.js";

/** How exactly the last use of a key is kept, in milliseconds. */
export const USE_EVERY_MS = 60_000;

// A field's value is "1 <when>", in Unix milliseconds.
const NOTE_KEY_USES = defineScript(
  "NOTE_KEY_USES",
  `
-- KEYS    [1] uses of keys
-- ARGV    [1] how old a note must be to be written anew, in milliseconds; then ids of keys
-- Returns 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
for i = 2, #ARGV do
  local at = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^1 (%d+)')
  if not at or now - tonumber(at) >= tonumber(ARGV[1]) or tonumber(at) > now then
    redis.call('HSET', KEYS[1], ARGV[i], string.format('1 %.0f', now))
  end
end
return 0
`,
);

const READ_KEY_USES = defineScript(
  "READ_KEY_USES",
  `
-- KEYS    [1] uses of keys
-- ARGV    ids of keys
-- Returns for each when it was used last, in Unix milliseconds; 0 where that is not known
local uses = {}
local known = redis.call('TYPE', KEYS[1]).ok == 'hash'
for i = 1, #ARGV do
  local at = known and string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^1 (%d+)')
  uses[i] = tonumber(at or '0')
end
return uses
`,
);

// Which keys there are is not told to Redis: of 100,000, that is megabytes to search through for each note.
const SCAN_KEY_USES = defineScript(
  "SCAN_KEY_USES",
  `
-- KEYS    [1] uses of keys
-- ARGV    [1] where to go on; 0 from the beginning
-- Returns where to go on, 0 at the end; ids of keys
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return { '0', {} } end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 500)
local ids = {}
for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
return { page[1], ids }
`,
);

const FORGET_KEY_USES = defineScript(
  "FORGET_KEY_USES",
  `
-- KEYS    [1] uses of keys
-- ARGV    ids of keys
-- Returns 0
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
for i = 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 0
`,
);

/** When keys were used last: a field each in a hash of their own, since a document would get a revision for each use. */
export class KeyUses {
  readonly #redis: RedisClient;
  readonly #key: string;

  constructor(redis: RedisClient, { keyUses }: Keyspace) {
    this.#redis = redis;
    this.#key = keyUses;
  }

  /** Notes that keys are used now, each at most once in a minute. @throws ToolgateError STORE_UNAVAILABLE */
  async note(ids: readonly string[]): Promise<void> {
    await runScript(this.#redis, NOTE_KEY_USES, [this.#key], [USE_EVERY_MS, ...ids]);
  }

  /** When each key was used last, to the minute, in Unix milliseconds by Redis's clock; 0 where that is not known. @throws ToolgateError STORE_UNAVAILABLE */
  async read(ids: readonly string[]): Promise<readonly number[]> {
    return asArray(await runScript(this.#redis, READ_KEY_USES, [this.#key], ids)).map(asNumber);
  }

  /** Forgets keys that there are no more, some hundreds in one execution. @throws ToolgateError STORE_UNAVAILABLE */
  async trim(existing: ReadonlySet<string>): Promise<void> {
    let cursor = "0";
    do {
      const [next, ids] = asArray(await runScript(this.#redis, SCAN_KEY_USES, [this.#key], [cursor]));
      cursor = asText(next);
      const gone = asArray(ids)
        .map(asText)
        .filter((id) => !existing.has(id));
      if (gone.length > 0) await runScript(this.#redis, FORGET_KEY_USES, [this.#key], gone);
    } while (cursor !== "0");
  }
}
