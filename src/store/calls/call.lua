-- What scripts of calls share. Needs call-begin.lua, record.lua, presence.lua and notify.lua.

-- How many entries a stream has. What is no stream is kept aside for a day: it must not keep other calls from what is to be done.
local function stream_length(name)
  local length = redis.pcall('XLEN', prefix .. name)
  if type(length) == 'number' then return length end
  is_wrong_type(length)
  keep_aside(prefix .. name, name)
  return 0
end

-- Where a call waits, with its payload; nothing where the stream was lost, or something else is in its place.
local function entry_of(call)
  local found = redis.pcall('XRANGE', call.requests, call.entry, call.entry)
  return not is_wrong_type(found) and found[1] or nil
end

-- When calls must be looked at: what to add to due, score and id in turn.
local looks = {}
local function look_at(call, at)
  call.look = at
  looks[#looks + 1] = text[at]
  looks[#looks + 1] = call.id
end

-- Entries that leave the waiting line, by requests stream.
local left = {}
local function leave(requests, entry)
  local entries = left[requests]
  if entries then entries[#entries + 1] = entry else left[requests] = { entry } end
end

-- What nodes are to hear, by node. A notification is a letter, the call's id and the length of what follows; then that.
local notifications = {}
-- The node that hears of the ends by the script's answer, and so needs no notification; if there is one.
local here
local function notify(watchers, letter, id, said)
  if here and watchers == ',' .. here then return end
  for node in string.gmatch(watchers, '[^,]+') do
    if node ~= here then
      local own = notifications[node]
      if not own then
        own = {}
        notifications[node] = own
      end
      own[#own + 1] = letter .. id .. ' ' .. text[#said] .. '\n' .. said
    end
  end
end

-- A node wants to hear of a call from now on.
local function watch(call, node)
  if string.find(call.watchers .. ',', ',' .. node .. ',', 1, true) then return end
  call.watchers = call.watchers .. ',' .. node
  save_call(call)
end

-- Where an epoch's calls that are for others stand (see offer_to_others), that key's name, and what stands there of this one: "<owners,
-- the latest first> <entry> <id>". In this order, so that calls that are not for a provider are passed over together.
local function again_of(call)
  local name = 'again:' .. call.toolset .. ':' .. call.epoch
  return prefix .. name, name, call.owner .. call.former .. ' ' .. call.entry .. ' ' .. call.id
end

-- A call is for others no more: it ends, or has an owner from now on. Those are few.
local function withdraw(call)
  if call.state ~= 'queued' or call.owner == '-' then return end
  local key, _, member = again_of(call)
  is_wrong_type(redis.pcall('ZREM', key, member)) -- what is no set has nothing of it
end

-- How many unfinished calls of an epoch are of tenants that its toolset does not belong to, by tenant; what changes, by key.
local guests = {}
local function count_guest(call, by)
  local key = prefix .. 'guests:' .. call.toolset .. ':' .. call.epoch
  local own = guests[key]
  if not own then
    own = { by = {}, expires = '0' }
    guests[key] = own
  end
  own.by[call.guest] = (own.by[call.guest] or 0) + by
  if call.expires > own.expires then own.expires = call.expires end -- as long as each other: milliseconds of this age
end

local function write_guests()
  for key, own in pairs(guests) do
    for tenant, by in pairs(own.by) do
      local count = by ~= 0 and redis.pcall('ZINCRBY', key, text[by], tenant)
      if is_wrong_type(count) then
        redis.call('DEL', key)
      elseif count and tonumber(count) <= 0 then
        redis.call('ZREM', key, tenant)
      end
    end
    if redis.call('PEXPIRETIME', key) < tonumber(own.expires) then redis.call('PEXPIREAT', key, own.expires) end
  end
end

-- The one way in which a call ends. Terminals of over 16 KiB are left for the readers to fetch. The record is what counts: what
-- comes after it may fail.
local ended = {}
local function finish(call, kind, reason, body)
  withdraw(call)
  local result = call.output ~= '-' and prefix .. 'result:' .. call.id
  if result then stream_length('result:' .. call.id) end -- what is none cannot be added to
  local terminal = save_end(call, kind, reason, body)
  audit_end(call, kind, reason)
  note_end(call, kind, reason)
  list_end(call, kind, reason)
  if call.webhooks then queue_deliveries(call, kind, reason) end
  if call.more ~= '' then release(call, kind, reason, body) end
  if call.guest then count_guest(call, -1) end
  if result then
    redis.pcall('XADD', result, '*', 'terminal', '')
    redis.pcall('PEXPIREAT', result, call.expires)
  end
  leave(call.requests, call.entry)
  ended[#ended + 1] = call.id
  notify(call.watchers, 't', call.id, #terminal <= 16384 and terminal or '')
  return terminal
end

-- Ends a call without an owner: it did not run, unless an earlier attempt of it may have.
local function finish_unclaimed(call, reason)
  return finish(call, call.attempt == 0 and 'not_executed' or 'outcome_unknown', reason, '')
end

-- Gives a call to an owner, or extends its claim. A claim never outlives the deadline: the call must be looked at then. A look
-- that comes too early finds nothing to do, and is repeated in time.
local function claim(call, owner, node, lease_ms)
  withdraw(call)
  if call.state == 'queued' then call.state = 'claimed' end -- a state that is not known stays
  call.owner, call.node, call.claim = owner, node, now + lease_ms
  if call.claimed == 0 then call.claimed = now end
  local at = math.min(call.claim, call.deadline)
  if at < call.look then look_at(call, at) end
  save_call(call)
end

-- Whether this owner and attempt still hold the call: the fence of every late answer. A claim that ended is offered to others, and
-- until one of them takes it the call is still its owner's, which may go on with it.
local function holds(call, owner, attempt)
  return call and not call.terminal and call.owner == owner and call.attempt == tonumber(attempt)
end

-- Puts a call into the waiting line of its epoch's providers. Its place there belongs into its record. They hear of it, unless
-- it was claimed by the end of the script.
local enqueued = {}
local function enqueue(call, tool, payload, meta)
  call.entry = redis.call('XADD', call.requests, '*', 'call', call.id, 'tool', tool, 'payload', payload, 'meta', meta)
  enqueued[#enqueued + 1] = call
  if call.guest then count_guest(call, 1) end
end

-- A call whose provider was lost is for others than the owners of its attempts so far. It keeps its place in the waiting line, noted
-- as its owner's, and is found by take_again.
local function offer_to_others(call)
  local key, name, member = again_of(call)
  if is_wrong_type(redis.pcall('ZADD', key, '0', member)) then
    keep_aside(key, name)
    redis.call('ZADD', key, '0', member)
  end
  if redis.call('PEXPIRETIME', key) < call.deadline then redis.call('PEXPIREAT', key, text[call.deadline]) end
  enqueued[#enqueued + 1] = call
end

-- A bounded number of arguments at a time, since Lua's stack is bounded.
local function in_parts(list, act)
  for first = 1, #list, 1000 do act(unpack(list, first, math.min(first + 999, #list))) end
end

local function settle_up()
  in_parts(looks, function(...) on_due('ZADD', ...) end)
  in_parts(ended, function(...) on_due('ZREM', ...) end)
  for requests, entries in pairs(left) do
    -- What is no stream (any more) has no entries.
    in_parts(entries, function(...)
      redis.pcall('XACK', requests, 'providers', ...)
      redis.pcall('XDEL', requests, ...)
    end)
  end
  write_audit()
  write_listed_ends()
  write_deliveries()
  for key, ids in pairs(released) do
    in_parts(ids, function(...) redis.pcall('ZREM', key, ...) end) -- what is no set has none of them
  end
  write_guests()
end

local function notify_all()
  local begin = history == '' and '' or 'h' .. history .. ' 0\n'
  for node, messages in pairs(notifications) do publish(prefix .. 'node:' .. node, begin .. table.concat(messages)) end
  local notified = {}
  for _, call in ipairs(enqueued) do
    if call.state == 'queued' and not notified[call.requests] then
      notified[call.requests] = true
      publish(prefix .. 'work:' .. call.toolset .. ':' .. call.epoch, '')
    end
  end
end
