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
  local said = redis.call('HGET', line.providers, provider)
  if not said then return false end
  local holder, _, _, draining, current = string.match(said, '^(%S+) (%S+) (%d+) (%d) (%S+)$')
  local lease_end = redis.call('ZSCORE', line.leases, provider .. '/' .. incarnation)
  return holder == incarnation and current == session and lease_end and tonumber(lease_end) > now, draining == '1'
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

-- What a provider gets: a line of id, attempt, what is left until the deadline, why to stop or -, and the head; payload; meta.
-- fields: call, id, tool, t, payload, p, meta, m
local function frame(call, fields)
  return { call.id .. ' ' .. text[call.attempt] .. ' ' .. text[math.max(0, call.deadline - now)] .. ' ' .. (call.cancel or '-') .. ' ' ..
    call.head, fields[6], fields[8] }
end
`;
