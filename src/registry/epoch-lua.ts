import { ANSWER_LUA, BELLS_LUA } from "../redis/bells.js";
import { PRESENCE_LUA } from "../redis/presence.js";
import { defineScript, type Script } from "../redis/script.js";
import { WRONG_TYPE_LUA } from "../redis/wrong-type-lua.js";

/**
 * Lua that all scripts of the registry share.
 *
 * KEYS[1] prefix, KEYS[2] toolsets, KEYS[3] health, KEYS[4] changes; ARGV[1] how old a pong may be, in milliseconds.
 *
 * A toolset's record is JSON with a generation; an epoch's health is "<state> <pong> <live until> <room> <announced>".
 * `announced` is what `changes` said last, so that a transition is said once, by whoever notices it first.
 */
const EPOCH_LUA = `${WRONG_TYPE_LUA}
local prefix, toolsets, health, changes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
-- What is of another type than it should be is found before anything is written: then nothing is.
redis.call('HLEN', toolsets)
redis.call('HLEN', health)
redis.call('XLEN', changes)
local window = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
${PRESENCE_LUA}

-- The latest entry of changes that this script has made; rung once, when it is done.
local latest
-- Epochs whose waiting calls a provider can take now, as { channel, message }; rung likewise. The message names the provider that
-- ponged outside of its session (provider/incarnation), or nobody.
local works = {}
local function announce(kind, name, epoch)
  latest = redis.call('XADD', changes, 'MAXLEN', '~', 10000, '*', 'kind', kind, 'toolset', name, 'epoch', epoch)
end

local EPOCH_NUMBERS = { 'epoch', 'registeredAtMs', 'activateAt', 'maxBacklog', 'retentionMs', 'retireAfterMs', 'retireAtMs' }
local STATES = { active = true, candidate = true, retiring = true }

-- As nodes judge it: see stored-record.ts.
local function is_epoch(entry)
  if type(entry) ~= 'table' or not STATES[entry.state] or type(entry.version) ~= 'string' then return false end
  if type(entry.digest) ~= 'string' or #entry.digest ~= 64 or string.find(entry.digest, '[^0-9a-f]') then return false end
  for _, field in ipairs(EPOCH_NUMBERS) do
    if type(entry[field]) ~= 'number' then return false end
  end
  return entry.epoch >= 1 and entry.epoch % 1 == 0 and entry.epoch < 9007199254740992
end

local function is_record(record, name)
  if type(record) ~= 'table' or record.name ~= name or type(record.owner) ~= 'string' or type(record.generation) ~= 'number'
    or type(record.epochs) ~= 'table' then
    return false
  end
  for _, entry in ipairs(record.epochs) do
    if not is_epoch(entry) then return false end
  end
  return true
end

-- Records that were read, by name; false where there is none, or a damaged one.
local records = {}
local function load_record(name)
  if records[name] == nil then
    local json = redis.call('HGET', toolsets, name)
    -- A damaged record must not end a script that looks at others too; nodes name it, and registering mends it.
    local whole, record = pcall(cjson.decode, json or '')
    records[name] = whole and is_record(record, name) and record
  end
  return records[name] or nil
end

local function save_record(record)
  record.generation = record.generation + 1
  redis.call('HSET', toolsets, record.name, cjson.encode(record))
end

local function find_state(record, state)
  for _, entry in ipairs(record.epochs) do
    if entry.state == state then return entry end
  end
end

local function find_epoch(record, epoch)
  for index, entry in ipairs(record.epochs) do
    if entry.epoch == tonumber(epoch) then return entry, index end
  end
end

local refresh_epoch, check_keys

-- Health that was lost or damaged while the epoch is registered: it is what the leases say, until the next pong.
local function restore_health(name, epoch)
  local record = load_record(name)
  local entry = record and find_epoch(record, epoch)
  if not entry then return nil end
  local h = { state = entry.state, pong = 0, live = 0, room = 0, announced = '0' }
  check_keys(name, epoch)
  refresh_epoch(name, epoch, h)
  return h
end

local function read_health(name, epoch)
  local text = redis.call('HGET', health, name .. '@' .. epoch)
  local state, pong, live, room, announced = string.match(text or '', '^(%a+) (%d+) (%d+) (%d+) (%d)$')
  if not state then return restore_health(name, epoch) end
  return { state = state, pong = tonumber(pong), live = tonumber(live), room = tonumber(room), announced = announced }
end

local function write_health(name, epoch, h)
  local text = string.format('%s %.0f %.0f %.0f %s', h.state, h.pong, h.live, h.room, h.announced)
  redis.call('HSET', health, name .. '@' .. epoch, text)
end

local function is_healthy(h)
  return h.room > 0 and is_recent(h.pong, h.live, window)
end

-- Writes an epoch's health, and says so when it turned healthy or unhealthy.
local function publish_health(name, epoch, h)
  local announced = is_healthy(h) and '1' or '0'
  local turned = announced ~= h.announced
  h.announced = announced
  write_health(name, epoch, h)
  if turned then announce(announced == '1' and 'healthy' or 'unhealthy', name, epoch) end
end

local function set_state(record, entry, state)
  entry.state = state
  if state == 'retiring' then entry.retireAtMs = now + entry.retireAfterMs end
  local h = read_health(record.name, entry.epoch)
  if h then
    h.state = state
    write_health(record.name, entry.epoch, h)
  end
end

local function promote(record, candidate)
  local active = find_state(record, 'active')
  if active then set_state(record, active, 'retiring') end
  set_state(record, candidate, 'active')
  save_record(record)
  announce('activated', record.name, candidate.epoch)
end

-- A candidate takes over when its providers that ponged have their share of the active epoch's room, or nobody else is alive.
local function promote_if_ready(name)
  local record = load_record(name)
  local candidate = record and find_state(record, 'candidate')
  if not candidate then return end
  local c = read_health(name, candidate.epoch)
  if not c or c.pong == 0 or not is_held(c.live) or c.room == 0 then return end
  local active = find_state(record, 'active')
  local a = active and read_health(name, active.epoch)
  if not a or not is_held(a.live) or c.room >= candidate.activateAt * a.room then promote(record, candidate) end
end

-- provider -> "<incarnation> <token hash> <room> <stage> <session>"; the stages:
--   0  gets calls: its session has ponged, and has not missed too many pings since
--   1  drains, and gets none any more
--   2  gets none until it pongs: it has not yet, or missed too many pings
--   3  got calls through another session, and gets some again when this one has ponged; until then its room counts, so that a
--      provider that moves from node to node does not make its epoch unhealthy
local function read_provider(name, epoch, provider)
  local text = redis.call('HGET', prefix .. 'providers:' .. name .. ':' .. epoch, provider)
  if not text then return nil end
  local incarnation, token_hash, room, stage, session = string.match(text, '^(%S+) (%S+) (%d+) (%d) (%S+)$')
  return { incarnation = incarnation, token_hash = token_hash, room = tonumber(room), stage = stage, session = session }
end

local function write_provider(name, epoch, provider, p)
  local text = string.format('%s %s %.0f %s %s', p.incarnation, p.token_hash, p.room, p.stage, p.session)
  redis.call('HSET', prefix .. 'providers:' .. name .. ':' .. epoch, provider, text)
end

-- Forgets ended leases, and sums up what is left into the epoch's health.
function refresh_epoch(name, epoch, h)
  local leases = prefix .. 'leases:' .. name .. ':' .. epoch
  local providers = prefix .. 'providers:' .. name .. ':' .. epoch
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', lease_time())) do
    local provider, incarnation = string.match(member, '^([^/]+)/(.+)$')
    local p = provider and read_provider(name, epoch, provider)
    if p and p.incarnation == incarnation then redis.call('HDEL', providers, provider) end
    redis.call('ZREM', leases, member)
  end
  local live, room, last = math.min(h.live, now), 0, 0
  local members = redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    local provider = string.match(members[i], '^([^/]+)/')
    local lease_end = tonumber(members[i + 1])
    local p = provider and read_provider(name, epoch, provider)
    last = math.max(last, lease_end)
    -- A provider without room has registered and not attached yet: it cannot be given calls. One that is attached is pinged, and
    -- its room counts by its pongs.
    if p and p.stage ~= '1' and p.room > 0 then
      if p.stage ~= '2' then room = room + p.room end
      live = math.max(live, lease_end)
    end
  end
  h.live, h.room = live, room
  if last > 0 then
    -- Longer than Redis should ever be away: what nobody asks for goes with its epoch, as a rule.
    redis.call('PEXPIREAT', leases, string.format('%.0f', last + 3600000))
    redis.call('PEXPIREAT', providers, string.format('%.0f', last + 3600000))
  end
  publish_health(name, epoch, h)
end

-- What is no lease set, hash or stream where one belongs is kept aside for a day: it must not keep a script from the toolsets
-- behind this one. To its providers it is lost.
local function set_aside_unless(kind, what)
  local found = redis.call('TYPE', prefix .. what).ok
  if found == 'none' or found == kind then return end
  local aside = prefix .. 'damaged:' .. what
  redis.call('RENAME', prefix .. what, aside)
  redis.call('PEXPIRE', aside, 86400000)
  redis.log(redis.LOG_WARNING, 'toolgate: ' .. prefix .. what .. ' was no ' .. kind .. ' and is set aside as ' .. aside)
end

function check_keys(name, epoch)
  set_aside_unless('zset', 'leases:' .. name .. ':' .. epoch)
  set_aside_unless('hash', 'providers:' .. name .. ':' .. epoch)
  set_aside_unless('stream', 'requests:' .. name .. ':' .. epoch)
end

-- The provider's entry if the caller is its holder; otherwise nil and what is wrong.
local function check_holder(name, epoch, provider, incarnation, token_hash)
  local p = read_provider(name, epoch, provider)
  if not p then return nil, 'lost' end
  if p.incarnation ~= incarnation then return nil, 'replaced' end
  if p.token_hash ~= token_hash then return nil, 'lost' end
  return p
end
`;

/**
 * Defines a script of the registry: what they share, what some share, then its own part, which must return its answer. It rings
 * when that part is done.
 */
export function defineRegistryScript(name: string, ...parts: readonly string[]): Script {
  const [decide = "", ...shared] = [...parts].reverse();
  return defineScript(
    name,
    BELLS_LUA,
    EPOCH_LUA,
    ...shared.reverse(),
    "local function decide()",
    decide,
    "end",
    "local answer = decide()",
    "if latest then publish(prefix .. 'changed', latest) end",
    "for _, work in ipairs(works) do publish(work[1], work[2]) end",
    ANSWER_LUA,
  );
}
