/** So many bytes of payloads are brought by one execution at most, and those of as many calls as are read at once. */
export const MAX_TAKEN_BYTES = 4_194_304;
/** So many entries are looked at by one execution at most: a consumer group that was lost finds all claimed calls again. */
export const MAX_LOOKED = 512;
/** How many entries are read at once. */
const READ_COUNT = 8;

/**
 * Lua that claims calls for providers, and brings them what was claimed; for the scripts of calls (call-lua.ts).
 *
 * Whoever uses it has `lease_of`, the claim lease by delivery in milliseconds, and `node`, which delivers.
 */
export const TAKE_LUA = `
-- The waiting line of an epoch, and who may take from it.
local function line_of(toolset, epoch)
  local own = toolset .. ':' .. epoch
  return { requests = prefix .. 'requests:' .. own, leases = prefix .. 'leases:' .. own, providers = prefix .. 'providers:' .. own }
end

-- Whether the session speaks for the holder of a lease; and whether that one drains, and so takes nothing new.
local function may_take(line, provider, incarnation, session)
  -- What is no hash or set where one belongs says nothing of a lease: renewing it mends that. Calls of others must not fail of it.
  local said = redis.pcall('HGET', line.providers, provider)
  if type(said) ~= 'string' then return false end
  local holder, _, _, draining, current = string.match(said, '^(%S+) (%S+) (%d+) (%d) (%S+)$')
  local lease_end = redis.pcall('ZSCORE', line.leases, provider .. '/' .. incarnation)
  return holder == incarnation and current == session and type(lease_end) == 'string' and tonumber(lease_end) > now, draining == '1'
end

local function read_group(line, owner, count, from)
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'providers', owner, 'COUNT', count, 'STREAMS', line.requests, from)
  if reply and reply.err then
    -- The stream or its group is gone: made again from 0, so that nothing is skipped.
    if not string.find(reply.err, 'NOGROUP', 1, true) then return redis.error_reply(reply.err) end
    redis.call('XGROUP', 'CREATE', line.requests, 'providers', '0', 'MKSTREAM')
    reply = redis.call('XREADGROUP', 'GROUP', 'providers', owner, 'COUNT', count, 'STREAMS', line.requests, from)
  end
  return reply and reply[1] and reply[1][2] or {}
end

-- What a provider gets: of a call that this script admits its place in the request, since who admits has all of it; of any other
-- a line of id, attempt, what is left until the deadline, why to stop or -, and the head; payload; meta.
-- fields: call, id, tool, t, payload, p, meta, m
local function frame(call, fields)
  if call.place then return call.place end
  return { call.id .. ' ' .. text[call.attempt] .. ' ' .. text[math.max(0, call.deadline - now)] .. ' ' .. (call.cancel or '-') .. ' ' ..
    call.head, fields[6], fields[8] }
end

-- Claims up to so many calls for one session; \`admitted\` are those, by id, whose records are not written yet. Reads on where an
-- entry turns out to have ended already: nobody rings for those behind it.
local bytes, looked = 0, 0
local function take(line, provider, incarnation, session, credits, admitted)
  local owner = provider .. '/' .. incarnation
  local allowed, draining = may_take(line, provider, incarnation, session)
  if not allowed then return { 'lost' } end
  local frames, more = {}, draining and 0 or 1
  while not draining and #frames < credits and bytes < ${MAX_TAKEN_BYTES} and looked < ${MAX_LOOKED} do
    local entries = read_group(line, owner, math.min(credits - #frames, ${READ_COUNT}), '>')
    looked = looked + #entries
    for _, entry in ipairs(entries) do
      local call = admitted[entry[2][2]] or load_call(entry[2][2])
      if not call or call.terminal or call.entry ~= entry[1] then
        leave(line.requests, entry[1])
      elseif call.state ~= 'queued' then
        -- Claimed, and read again by a group that was lost and made anew: it stays its owner's, with its payload.
      elseif call.deadline <= now then
        finish_unclaimed(call, 'DEADLINE_EXCEEDED')
      else
        call.attempt = call.attempt + 1
        claim(call, owner, node, lease_of[call.delivery])
        bytes = bytes + #entry[2][6]
        frames[#frames + 1] = frame(call, entry[2])
      end
    end
    if #entries == 0 then
      more = 0
      break
    end
  end
  return { 'taken', more, frames }
end
`;
