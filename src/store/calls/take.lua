-- Needs call.lua and registry/provider-entry.lua; lease_of, the claim lease by delivery in milliseconds; and node, which delivers.

-- The waiting line of an epoch, and the providers that may take from it.
local function line_of(toolset, epoch)
  local own = toolset .. ':' .. epoch
  return { requests = prefix .. 'requests:' .. own, leases = prefix .. 'leases:' .. own, providers = prefix .. 'providers:' .. own,
    again = prefix .. 'again:' .. own }
end

-- Whether the session speaks for the holder of a lease; and whether that one gets calls: see the stages in provider-entry.ts.
local function may_take(line, provider, incarnation, session)
  -- What is no hash or set where one belongs says nothing of a lease: renewing it mends that. Calls of others must not fail of it.
  local said = redis.pcall('HGET', line.providers, provider)
  if is_wrong_type(said) or not said then return false end
  local holder, _, _, stage, current = string.match(said, PROVIDER_ENTRY)
  local lease_end = redis.pcall('ZSCORE', line.leases, provider .. '/' .. incarnation)
  if is_wrong_type(lease_end) or not lease_end then return false end
  return holder == incarnation and current == session and is_held(tonumber(lease_end)), stage == '0'
end

-- Runs a command of the line's group, after making the stream or its group again where one is gone: from 0, so that nothing is skipped.
local function in_group(line, ...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'NOGROUP', 1, true) then return error(reply) end
  redis.call('XGROUP', 'CREATE', line.requests, 'providers', '0', 'MKSTREAM')
  return redis.call(...)
end

local function read_group(line, owner, count)
  local reply = in_group(line, 'XREADGROUP', 'GROUP', 'providers', owner, 'COUNT', count, 'STREAMS', line.requests, '>')
  return reply and reply[1][2] or {}
end

-- What a provider gets of a call: a line of id, attempt, what is left until the deadline, why to stop or -, and the head;
-- payload; meta. fields: call, id, tool, t, payload, p, meta, m
local function frame(call, fields)
  return { call.id .. ' ' .. text[call.attempt] .. ' ' .. text[math.max(0, call.deadline - now)] .. ' ' .. (call.cancel or '-') .. ' ' ..
    call.head, fields[6], fields[8] }
end

-- Claims calls that this script put into the line itself. `own` are all of them, in order; `own.next` is the first that is left, once
-- it is known that nothing waits before them, and the first `own.read` were read from the line. The others are not: the node that
-- admits them has them, so a frame is a place in its request. Those that were read are claimed in any case: they are not read again.
local bytes, looked = 0, 0
local function claim_own(line, owner, own, frames, most)
  local unread, first = {}, own.next
  most = most - #frames + first
  while own.next <= #own and own.next < most and (bytes < MAX_TAKEN_BYTES or own.next <= own.read) do
    local call = own[own.next]
    bytes = bytes + call.bytes
    if own.next > own.read then unread[#unread + 1] = call.entry end
    own.next = own.next + 1
  end
  if #unread > 0 then
    -- What reading them does: they are noted as this owner's, and the group goes on behind them. Before their records say so: a
    -- claim that the group knows nothing of would never be found.
    for _, option in ipairs({ 'FORCE', 'JUSTID', 'LASTID', unread[#unread] }) do unread[#unread + 1] = option end
    in_group(line, 'XCLAIM', line.requests, 'providers', owner, '0', unpack(unread))
  end
  for place = first, own.next - 1 do
    local call = own[place]
    call.attempt = 1
    claim(call, owner, node, lease_of[call.delivery])
    frames[#frames + 1] = call.place
  end
end

-- Whether a list of owners, with commas between them, names one.
local function names(owners, owner)
  return string.find(',' .. owners .. ',', ',' .. owner .. ',', 1, true)
end

local function hand_out(call, owner, fields, frames)
  withdraw(call)
  if call.attempt > 0 and call.owner ~= '-' then call.former = ',' .. call.owner .. call.former end
  call.attempt = call.attempt + 1
  claim(call, owner, node, lease_of[call.delivery])
  bytes = bytes + #fields[6]
  frames[#frames + 1] = frame(call, fields)
end

-- Claims calls that others have lost: see offer_to_others. Those that this owner has lost itself are passed over, all of one list of
-- owners in one step.
local function take_again(line, owner, most, frames)
  local from = '-'
  while #frames < most and bytes < MAX_TAKEN_BYTES and looked < MAX_LOOKED do
    local found = redis.pcall('ZRANGEBYLEX', line.again, from, '+', 'LIMIT', '0', '1')
    local member = not is_wrong_type(found) and found[1]
    if not member then return end
    looked = looked + 1
    local owners, entry, id = string.match(member, '^(%S+) (%S+) (%S+)')
    if owners and names(owners, owner) then
      from = '(' .. owners .. '!' -- what comes after a space
    else
      local call = id and load_call(id)
      -- It may be lost, or wait elsewhere.
      local waits = call and not call.terminal and call.state == 'queued' and call.entry == entry and call.requests == line.requests
        and call.owner .. call.former == owners
      local place = waits and entry_of(call)
      -- The group first: see claim_own.
      if place and call.deadline > now then
        in_group(line, 'XCLAIM', line.requests, 'providers', owner, '0', entry, 'FORCE', 'JUSTID')
      end
      if not place then
        redis.call('ZREM', line.again, member)
      elseif call.deadline <= now then
        finish_unclaimed(call, 'DEADLINE_EXCEEDED')
      else
        hand_out(call, owner, place[2], frames)
      end
    end
  end
end

-- Claims up to `credits` calls for one session; `own` are those, in order, that this script put into the line, if any. Reads on
-- where an entry turns out to have ended already: no notification comes for those behind it.
local function take(line, provider, incarnation, session, credits, own)
  local owner = provider .. '/' .. incarnation
  local allowed, routed = may_take(line, provider, incarnation, session)
  if not allowed then return { 'lost' } end
  local frames, more, count = {}, routed and 1 or 0, own and 1 or READ_COUNT
  if routed and not own then take_again(line, owner, credits, frames) end
  -- The session before found nothing more in the line, and nothing has come since: of many that have room, one reads.
  if line.empty then more = 0 end
  while routed and not line.empty and #frames < credits and bytes < MAX_TAKEN_BYTES and looked < MAX_LOOKED do
    local entries = own and own.next and {} or read_group(line, owner, math.min(credits - #frames, count))
    looked, count = looked + #entries, READ_COUNT
    for number, entry in ipairs(entries) do
      if own and entry[1] == own[1].entry then
        own.next, own.read = 1, #entries - number + 1
        break
      end
      local call = load_call(entry[2][2])
      if not call or call.terminal or call.entry ~= entry[1] then
        leave(line.requests, entry[1])
      elseif call.state ~= 'queued' then
        -- Claimed, and read again by a group that was lost and made anew: it stays its owner's, with its payload.
      elseif call.attempt > 0 and names(call.owner .. call.former, owner) then
        -- Read again likewise, and for other owners than this one, which find it by take_again.
      elseif call.deadline <= now then
        finish_unclaimed(call, 'DEADLINE_EXCEEDED')
      else
        hand_out(call, owner, entry[2], frames)
      end
    end
    if own and own.next then
      claim_own(line, owner, own, frames, credits)
      more = own.next <= #own and 1 or 0
      break
    elseif #entries == 0 then
      more, line.empty = 0, true
      break
    end
  end
  return { 'taken', more, frames }
end
