import { createHash } from "node:crypto";
import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asNumber, defineScript, evenWhenFull, runScript } from "../../redis/script.js";

/**
 * How many logins may fail, in all nodes together: a rate each (GCRA, https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm) for an
 * account from one address, for an address, and for an account. A login is counted before its password is looked at, and given back
 * when it is right: so logins that come at once do not get past the count.
 *
 * Whoever knows a name must not be able to lock its holder out. So the rate of the account, which strangers everywhere use up together,
 * does not hold for an address from which the account has logged in before.
 */

/** Whose login is tried, and from where. */
export interface LoginSubject {
  readonly tenant: string;
  readonly user: string;
  /** The address, as `peerHost` gives it. */
  readonly host: string;
}

/** A rate: so many at once, and one more after each interval, in milliseconds. */
interface Rate {
  readonly burst: number;
  readonly intervalMs: number;
}

const ACCOUNT_FROM_HOST: Rate = { burst: 8, intervalMs: 30_000 };
const HOST: Rate = { burst: 50, intervalMs: 2_000 };
const ACCOUNT: Rate = { burst: 100, intervalMs: 6_000 };
const RATES = [ACCOUNT_FROM_HOST, HOST, ACCOUNT].flatMap(({ burst, intervalMs }) => [burst, intervalMs]);
/** How long an address counts as one that the account uses, in milliseconds. */
const KNOWN_MS = 30 * 86_400_000;

// A rate's value is "1 <when it is whole again>", in Unix milliseconds.
const RATE_LUA = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole_at(key)
  if redis.call('TYPE', key).ok ~= 'string' then return now end
  local at = string.match(redis.call('GET', key), '^1 (%d+)')
  return math.max(now, math.min(tonumber(at) or now, now + 86400000))
end
local function keep(key, at)
  if at <= now then redis.call('DEL', key) else redis.call('SET', key, string.format('1 %.0f', at), 'PX', string.format('%.0f', at - now)) end
end
`;

// Nothing else keeps strangers from guessing, so it works on a full Redis too.
const COUNT_LOGIN = evenWhenFull(
  defineScript(
    "COUNT_LOGIN",
    RATE_LUA,
    `
-- KEYS    [1] rate of the account from the address, [2] of the address, [3] of the account, [4] that the account uses the address
-- ARGV    for each rate how many may come at once, and the milliseconds for one more
-- Returns 0, or in how many milliseconds to try again
local wait, next = 0, {}
for i = 1, 3 do
  local burst, interval = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  next[i] = whole_at(KEYS[i]) + interval
  local excess = next[i] - now - burst * interval
  if excess > wait and not (i == 3 and redis.call('EXISTS', KEYS[4]) == 1) then wait = excess end
end
if wait > 0 then return wait end
for i = 1, 3 do keep(KEYS[i], next[i]) end
return 0
`,
  ),
);

const FORGIVE_LOGIN = evenWhenFull(
  defineScript(
    "FORGIVE_LOGIN",
    RATE_LUA,
    `
-- KEYS    [1] rate of the account from the address, [2] of the address, [3] of the account, [4] that the account uses the address
-- ARGV    for each rate how many may come at once, and the milliseconds for one more; [7] for how long the address counts as used
-- Returns 0
keep(KEYS[1], now)
for i = 2, 3 do keep(KEYS[i], whole_at(KEYS[i]) - tonumber(ARGV[2 * i])) end
redis.call('SET', KEYS[4], '1', 'PX', ARGV[7])
return 0
`,
  ),
);

/** The logins that are counted, in Redis. */
export class LoginAttempts {
  readonly #redis: RedisClient;
  readonly #keyspace: Keyspace;

  constructor(redis: RedisClient, keyspace: Keyspace) {
    this.#redis = redis;
    this.#keyspace = keyspace;
  }

  /**
   * Counts a login, unless there were too many.
   *
   * @returns 0 where it may be tried, else in how many milliseconds it may be
   * @throws ToolgateError STORE_UNAVAILABLE
   */
  async count(subject: LoginSubject): Promise<number> {
    return asNumber(await runScript(this.#redis, COUNT_LOGIN, this.#keysOf(subject), RATES));
  }

  /** Gives a login back that was right. @throws ToolgateError STORE_UNAVAILABLE */
  async forgive(subject: LoginSubject): Promise<void> {
    await runScript(this.#redis, FORGIVE_LOGIN, this.#keysOf(subject), [...RATES, KNOWN_MS]);
  }

  #keysOf({ tenant, user, host }: LoginSubject): string[] {
    const { logins } = this.#keyspace;
    const account = digest(`account ${tenant}/${user}`);
    const pair = digest(`pair ${tenant}/${user} ${host}`);
    return [logins.rate(pair), logins.rate(digest(`host ${host}`)), logins.rate(account), logins.known(pair)];
  }
}

/** Names and addresses come from strangers: in a key they are neither long nor readable. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
