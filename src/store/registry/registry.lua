-- What scripts of the registry share. Needs registry-begin.lua, wrong-type.lua, mend.lua, presence.lua, the entries' .lua and notify.lua.

mend_shard()

-- The latest entry of changes that this script has made; notified once, when it is done.
local latest
-- Epochs whose waiting calls a provider can take now, as { channel, message }; notified likewise. The message names the provider that
-- ponged outside of its session (provider/incarnation), or none.
local works = {}
local function announce(kind, name, epoch)
  latest = redis.call('XADD', changes, 'MAXLEN', '~', 10000, '*', 'kind', kind, 'toolset', name, 'epoch', epoch)
end

local EPOCH_NUMBERS = { 'epoch', 'registeredAtMs', 'activateAt', 'maxBacklog', 'retentionMs', 'retireAfterMs', 'retireAtMs' }

-- As nodes judge it: see stored-record.ts. An epoch in a state that is not known is kept as it is.
local function is_epoch(entry)
  if type(entry) ~= 'table' or type(entry.state) ~= 'string' or type(entry.version) ~= 'string' then return false end
  if not string.find(entry.state, '^%l[%w_-]*$') then return false end
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
  record.format = record.format or 1
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

local refresh_epoch

-- Health that was lost or damaged while the epoch is registered: it is what the leases say, until the next pong.
local function restore_health(name, epoch)
  local record = load_record(name)
  local entry = record and find_epoch(record, epoch)
  if not entry then return nil end
  local h = { state = entry.state, pong = 0, live = 0, room = 0, announced = '0' }
  refresh_epoch(name, epoch, h)
  return h
end

local function read_health(name, epoch)
  return parse_health(redis.call('HGET', health, name .. '@' .. epoch)) or restore_health(name, epoch)
end

local function write_health(name, epoch, h)
  redis.call('HSET', health, name .. '@' .. epoch, format_health(h))
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

-- A candidate takes over when its providers that ponged have their share of the active epoch's room, or no other is alive.
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

local function read_provider(name, epoch, provider)
  return parse_provider(redis.call('HGET', prefix .. 'providers:' .. name .. ':' .. epoch, provider))
end

-- What is none of these where one belongs is set aside: to its providers it is lost.
local checked = {}
local function check_keys(name, epoch)
  local own = name .. ':' .. epoch
  if checked[own] then return end
  checked[own] = true
  set_aside_unless('zset', 'leases:' .. own)
  set_aside_unless('zset', 'serving:' .. own)
  set_aside_unless('hash', 'providers:' .. own)
  set_aside_unless('stream', 'requests:' .. own)
end

-- How many members one command of a recount looks at.
local CHUNK = 1000
-- How many ended leases this script may still forget: thousands may end at once, and Redis does nothing else meanwhile.
local expirable = 1000

-- What a provider counts for: room, and whether its lease keeps the epoch live. One without room has registered and not attached
-- yet: it cannot be given calls. One that is attached is pinged, and its room counts by its pongs.
local function counts_for(p)
  if not p or p.stage == '1' or p.room == 0 then return 0, false end
  return (p.stage == '0' or p.stage == '3') and p.room or 0, true
end

-- The entries of leases' holders, and their names; no entry where it is not the lease's own incarnation.
local function read_holders(t, members)
  local names, entries = {}, {}
  if #members == 0 then return names, entries end
  for i, member in ipairs(members) do names[i] = string.match(member, '^([^/]+)/') or member end
  for i, text in ipairs(redis.call('HMGET', t.providers, unpack(names))) do
    local p = parse_provider(text)
    if p and names[i] .. '/' .. p.incarnation == members[i] then entries[i] = p end
  end
  return names, entries
end

-- Sums up an epoch from all of its leases: where nothing says what they come to, or others have written to them.
local function recount(t)
  t.room = 0
  redis.call('DEL', t.serving)
  local first, members = 0
  repeat
    local page, serving = redis.call('ZRANGE', t.leases, first, first + CHUNK - 1, 'WITHSCORES'), {}
    members = {}
    for i = 1, #page, 2 do members[#members + 1] = page[i] end
    local names, entries = read_holders(t, members)
    for i, provider in ipairs(names) do
      local room, serves = counts_for(entries[i])
      t.room = t.room + room
      if serves then
        serving[#serving + 1] = page[2 * i]
        serving[#serving + 1] = provider
      end
    end
    if #serving > 0 then redis.call('ZADD', t.serving, unpack(serving)) end
    first = first + CHUNK
  until #members < CHUNK
end

-- What an epoch's leases come to is kept as they change, so that no script reads all of them: the sum of the room in its health,
-- the leases that keep it live in a set of their own (serving, provider by lease end). Beside the providers stands what all of it
-- came to when a script wrote last, as "1 <leases> <entries> <serving> <room> <live>": where that is not what is found, a key was
-- lost or written by others, and it is counted anew.
local TALLY = '1 %.0f %.0f %.0f %.0f %.0f'
local tallies = {}
local NO_HEALTH = { room = 0, live = 0 }
local function tally_of(name, epoch, h)
  local own = name .. ':' .. epoch
  local t = tallies[own]
  if t then return t end
  check_keys(name, epoch)
  t = { leases = prefix .. 'leases:' .. own, serving = prefix .. 'serving:' .. own, providers = prefix .. 'providers:' .. own, room = h.room }
  tallies[own] = t
  local said = redis.call('HGET', t.providers, '@tally')
  t.told = said and 1 or 0
  local found = string.format(TALLY, redis.call('ZCARD', t.leases), redis.call('HLEN', t.providers),
    redis.call('ZCARD', t.serving), h.room, h.live)
  if said ~= found then recount(t) end
  return t
end

local function write_provider(t, provider, p)
  redis.call('HSET', t.providers, provider, format_provider(p))
end

-- Writes a provider's entry and its lease. former: the room that the entry counted for until now, if it held the lease.
local function put_provider(t, provider, former, p, lease_end)
  local room, serves = counts_for(p)
  lease_end = string.format('%.0f', lease_end)
  if redis.call('ZADD', t.leases, lease_end, provider .. '/' .. p.incarnation) == 1 then former = 0 end
  t.room = t.room - former + room
  write_provider(t, provider, p)
  if serves then redis.call('ZADD', t.serving, lease_end, provider) else redis.call('ZREM', t.serving, provider) end
end

local function drop_provider(t, provider, p)
  if redis.call('ZREM', t.leases, provider .. '/' .. p.incarnation) == 1 then t.room = t.room - (counts_for(p)) end
  redis.call('HDEL', t.providers, provider)
  redis.call('ZREM', t.serving, provider)
end

-- Forgets ended leases, as many as it may: all at once where none is left. What is left (`t.left`) counts as it did, for room; that none
-- of them is held is in their ends.
local function expire_leases(t)
  local until_ms = lease_time()
  local last = tonumber(redis.call('ZRANGE', t.leases, -1, -1, 'WITHSCORES')[2])
  if not last then return nil end
  local count = last <= until_ms and redis.call('ZCARD', t.leases)
  if count and count <= expirable then
    expirable = expirable - count
    redis.call('DEL', t.leases, t.serving, t.providers)
    t.room = 0
    return nil
  end
  local ended = redis.call('ZRANGEBYSCORE', t.leases, '-inf', until_ms, 'LIMIT', 0, math.max(1, expirable))
  t.left = #ended > 0 and #ended >= expirable
  if #ended == 0 or expirable == 0 then return last end
  expirable = expirable - #ended
  local names, entries = read_holders(t, ended)
  local gone = {}
  for i, provider in ipairs(names) do
    if entries[i] then
      t.room = t.room - (counts_for(entries[i]))
      gone[#gone + 1] = provider
    end
  end
  redis.call('ZREM', t.leases, unpack(ended))
  if #gone > 0 then
    redis.call('HDEL', t.providers, unpack(gone))
    redis.call('ZREM', t.serving, unpack(gone))
  end
  return last
end

local function forget_leases(name, epoch)
  local own = name .. ':' .. epoch
  redis.call('DEL', prefix .. 'leases:' .. own, prefix .. 'serving:' .. own, prefix .. 'providers:' .. own)
  tallies[own] = nil
end

-- Forgets ended leases, and writes what is left into the epoch's health. Says whether some that have ended are left.
function refresh_epoch(name, epoch, h)
  local t = tally_of(name, epoch, h)
  local last = expire_leases(t)
  local live = tonumber(redis.call('ZRANGE', t.serving, -1, -1, 'WITHSCORES')[2]) or 0
  h.live, h.room = math.max(math.min(h.live, now), live), t.room
  if last then
    -- Its own field is one of them.
    local entries = redis.call('HLEN', t.providers) + 1 - t.told
    redis.call('HSET', t.providers, '@tally', string.format(TALLY, redis.call('ZCARD', t.leases), entries,
      redis.call('ZCARD', t.serving), h.room, h.live))
    t.told = 1
    -- Longer than Redis should ever be away: what is never asked for goes with its epoch, as a rule.
    for _, key in ipairs({ t.leases, t.serving, t.providers }) do
      redis.call('PEXPIREAT', key, string.format('%.0f', last + 3600000))
    end
  else
    redis.call('HDEL', t.providers, '@tally')
    redis.call('DEL', t.serving)
    t.told = 0
  end
  publish_health(name, epoch, h)
  return t.left
end

-- The provider's entry if the caller is its holder; otherwise nil and what is wrong.
local function check_holder(name, epoch, provider, incarnation, token_hash)
  local p = read_provider(name, epoch, provider)
  if not p then return nil, 'lost' end
  if p.incarnation ~= incarnation then return nil, 'replaced' end
  if p.token_hash ~= token_hash then return nil, 'lost' end
  return p
end
