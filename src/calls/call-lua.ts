/**
 * Lua that all scripts of calls share.
 *
 * KEYS[1] prefix, KEYS[2] due.
 *
 * A call's record is a hash. From admission to expiry it holds `digest` (of the request) and `head` (what was fixed at
 * admission). While the call lives it also holds `state` (queued, claimed), `attempt`, `entry` (in the requests stream),
 * `watchers` (nodes to ring), `pinned` (to its contract), and once claimed `owner` (provider/incarnation), `node` (who delivers), `claim` (lease end),
 * `cancel` (why it was asked to stop), `bytes` (of output) and `over` (output was refused). When it ends, `terminal` replaces all of those: a record
 * with a terminal has ended, and nothing else says so.
 */
export const CALL_LUA = `
local prefix, due = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function load_call(id)
  local v = redis.call('HMGET', prefix .. 'call:' .. id, 'head', 'terminal', 'state', 'attempt', 'owner', 'entry',
    'watchers', 'claim', 'cancel', 'bytes', 'node', 'digest')
  if not v[1] then return nil end
  local call = { id = id, head = v[1], terminal = v[2], state = v[3], attempt = tonumber(v[4] or '0'), owner = v[5],
    entry = v[6], watchers = v[7] or '', claim = tonumber(v[8] or '0'), cancel = v[9], bytes = v[10], node = v[11], digest = v[12] }
  local toolset, tool, epoch, contract, delivery, deadline, retention = string.match(call.head,
    '^(%S+) (%S+) (%d+) (%S+) (%a+) (%d+) (%d+)$')
  call.toolset, call.tool, call.epoch, call.contract, call.delivery = toolset, tool, epoch, contract, delivery
  call.deadline, call.retention = tonumber(deadline), tonumber(retention)
  call.requests = prefix .. 'requests:' .. toolset .. ':' .. epoch
  return call
end

local function ring(watchers, message)
  for node in string.gmatch(watchers, '%S+') do redis.call('PUBLISH', prefix .. 'node:' .. node, message) end
end

-- The one way in which a call ends. Terminals of over 16 KiB are left for the readers to fetch.
local function finish(call, kind, reason, body)
  local terminal = kind .. ' ' .. reason .. ' ' .. call.attempt .. ' ' .. now .. '\\n' .. body
  local key = prefix .. 'call:' .. call.id
  redis.call('DEL', key)
  redis.call('HSET', key, 'digest', call.digest, 'head', call.head, 'terminal', terminal)
  redis.call('PEXPIREAT', key, now + call.retention)
  if call.bytes then
    local result = prefix .. 'result:' .. call.id
    redis.call('XADD', result, '*', 'terminal', '')
    redis.call('PEXPIREAT', result, now + call.retention)
  end
  redis.call('XACK', call.requests, 'providers', call.entry)
  redis.call('XDEL', call.requests, call.entry)
  redis.call('ZREM', due, call.id)
  ring(call.watchers, 't' .. call.id .. '\\n' .. (#terminal <= 16384 and terminal or ''))
  return terminal
end

-- Ends a call that nobody holds: it did not run, unless an earlier attempt of it may have.
local function finish_unclaimed(call, reason)
  return finish(call, call.attempt == 0 and 'not_executed' or 'outcome_unknown', reason, '')
end

-- Gives a call to an owner, or extends its claim. A claim never outlives the deadline: somebody must look then.
local function claim(call, owner, node, lease_ms)
  call.claim = now + lease_ms
  redis.call('HSET', prefix .. 'call:' .. call.id, 'state', 'claimed', 'owner', owner, 'node', node,
    'attempt', call.attempt, 'claim', call.claim)
  redis.call('ZADD', due, math.min(call.claim, call.deadline), call.id)
end

-- Whether this owner and attempt still hold the call: the fence of every late answer.
local function holds(call, owner, attempt)
  return call and not call.terminal and call.state == 'claimed' and call.owner == owner and call.attempt == tonumber(attempt)
end

-- Puts a call into the waiting line of its epoch's providers, and tells them: once per script, which is when it is heard.
local rung = {}
local function enqueue(call, tool, payload, meta)
  call.entry = redis.call('XADD', call.requests, '*', 'call', call.id, 'tool', tool, 'payload', payload, 'meta', meta)
  redis.call('HSET', prefix .. 'call:' .. call.id, 'state', 'queued', 'entry', call.entry)
  local bell = prefix .. 'work:' .. call.toolset .. ':' .. call.epoch
  if not rung[bell] then redis.call('PUBLISH', bell, '') end
  rung[bell] = true
end
`;
