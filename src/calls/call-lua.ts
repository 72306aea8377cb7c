import { NO_HISTORY_LUA } from "../redis/history.js";
import { defineScript, type Script } from "../redis/script.js";

/**
 * Lua that all scripts of calls share.
 *
 * KEYS[1] prefix, KEYS[2] due.
 *
 * A call's record is a hash while it lives: `digest` (of the request), `head` (what was fixed at admission), `state` (queued,
 * claimed), `attempt`, `entry` (in the requests stream), `watchers` (nodes to ring), `pinned` (to its contract), and once claimed
 * `owner` (provider/incarnation), `node` (who delivers), `claim` (lease end), `cancel` (why it was asked to stop), `bytes` (of
 * output) and `over` (output was refused).
 *
 * When it ends, a string takes the place of all that: digest, head and terminal. That it is a string says that the call has
 * ended, and nothing else does; it takes two thirds of the memory, and one command. It expires when its handle said that it
 * would: so long after its deadline, however early it ended. The digest `*` is that of a call whose record was lost: any request's.
 */
const CALL_LUA = `
local prefix, due = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Numbers as text, each made once: Redis and Lua take a microsecond to print a number as a float.
local text = setmetatable({}, { __index = function(known, number)
  local made = string.format('%d', number)
  known[number] = made
  return made
end })

local HEAD = '^(%S+) (%S+) (%d+) (%S+) (%a+) (%d+) (%d+)$'

-- Ends a call whose record was lost: nobody can say what became of it. A repeat of it comes to this end, and does not run it again.
local function lose(id, head, attempt)
  local deadline, retention = string.match(head, '(%d+) (%d+)$')
  local terminal = 'outcome_unknown STATE_LOST ' .. text[attempt] .. ' ' .. text[now] .. '\\n'
  redis.call('SET', prefix .. 'call:' .. id, '* ' .. head .. '\\n' .. terminal, 'PXAT', text[math.max(now + 1, deadline + retention)])
  redis.call('ZREM', due, id)
end

-- A damaged record must not end a script that looks at other calls too. It is kept aside for a day, and its call is lost.
local function set_aside(id, head)
  local aside = prefix .. 'damaged:' .. id
  redis.call('RENAME', prefix .. 'call:' .. id, aside)
  redis.call('PEXPIRE', aside, 86400000)
  redis.call('ZREM', due, id)
  redis.log(redis.LOG_WARNING, 'toolgate: the record of a call was damaged and is set aside as ' .. aside)
  if head and string.match(head, HEAD) then lose(id, head, 0) end
end

-- The call, or nothing when it has no record; then also whether there was a damaged one.
local function load_call(id)
  local key = prefix .. 'call:' .. id
  local v = redis.pcall('HMGET', key, 'head', 'digest', 'state', 'attempt', 'owner', 'entry', 'watchers', 'claim', 'cancel', 'bytes', 'node')
  local call, whole
  if v.err then
    local record = redis.pcall('GET', key)
    local line = type(record) == 'string' and string.find(record, '\\n', 1, true) or 1
    local digest, head = string.match(type(record) == 'string' and string.sub(record, 1, line - 1) or '', '^(%S+) (.+)$')
    call = { head = head, digest = digest, terminal = head and string.sub(record, line + 1), attempt = 0 }
    whole = head and string.find(call.terminal, '^[%l_]+ %S+ %d+ %d+\\n')
  elseif v[1] or v[2] then
    call = { head = v[1], digest = v[2], state = v[3], attempt = tonumber(v[4] or '0'), owner = v[5], entry = v[6],
      watchers = v[7] or '', claim = tonumber(v[8] or '0'), cancel = v[9], bytes = v[10], node = v[11] }
    whole = call.digest and call.attempt and call.claim and string.find(call.entry or '', '^%d+%-%d+$')
      and (not call.bytes or tonumber(call.bytes)) and (call.state == 'queued' or (call.state == 'claimed' and call.owner and call.node))
  else
    return nil
  end
  local toolset, tool, epoch, contract, delivery, deadline, retention = string.match(call.head or '', HEAD)
  if not whole or not toolset then
    set_aside(id, call.head)
    return load_call(id), true
  end
  call.id, call.toolset, call.tool, call.epoch, call.contract, call.delivery = id, toolset, tool, epoch, contract, delivery
  call.deadline, call.retention = tonumber(deadline), tonumber(retention)
  call.requests = prefix .. 'requests:' .. toolset .. ':' .. epoch
  return call
end

-- What nodes are to hear: gathered, and sent to each in one message when the script is done. A ring is a letter, the call's
-- id and the length of what follows; then that.
local rings = {}
local function ring(watchers, letter, id, said)
  local message = letter .. id .. ' ' .. text[#said] .. '\\n' .. said
  for node in string.gmatch(watchers, '%S+') do
    local own = rings[node]
    if own then own[#own + 1] = message else rings[node] = { message } end
  end
end

local function send_rings()
  local begin = history == '' and '' or 'h' .. history .. ' 0\\n'
  for node, messages in pairs(rings) do redis.call('SPUBLISH', prefix .. 'node:' .. node, begin .. table.concat(messages)) end
end

-- The one way in which a call ends. Terminals of over 16 KiB are left for the readers to fetch.
local function finish(call, kind, reason, body)
  local terminal = kind .. ' ' .. reason .. ' ' .. text[call.attempt] .. ' ' .. text[now] .. '\\n' .. body
  local expires = text[call.deadline + call.retention]
  redis.call('SET', prefix .. 'call:' .. call.id, call.digest .. ' ' .. call.head .. '\\n' .. terminal, 'PXAT', expires)
  if call.bytes then
    local result = prefix .. 'result:' .. call.id
    redis.call('XADD', result, '*', 'terminal', '')
    redis.call('PEXPIREAT', result, expires)
  end
  redis.call('XACK', call.requests, 'providers', call.entry)
  redis.call('XDEL', call.requests, call.entry)
  redis.call('ZREM', due, call.id)
  ring(call.watchers, 't', call.id, #terminal <= 16384 and terminal or '')
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
    'attempt', text[call.attempt], 'claim', text[call.claim])
  redis.call('ZADD', due, text[math.min(call.claim, call.deadline)], call.id)
end

-- Whether this owner and attempt still hold the call: the fence of every late answer.
local function holds(call, owner, attempt)
  return call and not call.terminal and call.state == 'claimed' and call.owner == owner and call.attempt == tonumber(attempt)
end

-- Puts a call into the waiting line of its epoch's providers, and tells them: once per script, which is when it is heard.
-- Its place there belongs into its record.
local rung = {}
local function enqueue(call, tool, payload, meta)
  call.entry = redis.call('XADD', call.requests, '*', 'call', call.id, 'tool', tool, 'payload', payload, 'meta', meta)
  local bell = prefix .. 'work:' .. call.toolset .. ':' .. call.epoch
  if not rung[bell] then redis.call('SPUBLISH', bell, '') end
  rung[bell] = true
end
`;

/**
 * Defines a script of calls: what they share, then its own part, which must return its answer. What it rang goes out when
 * that part is done.
 */
export function defineCallScript(name: string, ...parts: readonly string[]): Script {
  return defineScript(
    name,
    NO_HISTORY_LUA,
    CALL_LUA,
    "local function run()",
    ...parts,
    "end",
    // What was done before an error stays done, so whoever waits for it must hear of it.
    "local done, answer = pcall(run)",
    "send_rings()",
    // As it is: thrown again, Redis's own refusals (READONLY, OOM) would not be told from a fault in the script.
    "if not done then return type(answer) == 'table' and answer or redis.error_reply(answer) end",
    "return answer",
  );
}
