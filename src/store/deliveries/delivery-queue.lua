-- Reads and writes the deliveries of a webhook: how they look stands in delivery-format.ts. Needs prefix, wrong-type.lua and
-- keep-aside.lua.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A key of a webhook; what is of another type than it should be is kept aside.
local function key_of(name, asked)
  if is_wrong_type(redis.pcall(asked, prefix .. name)) then keep_aside(prefix .. name, name) end
  return prefix .. name
end

local function queue_of(webhook)
  local queue = { due = key_of('webhook-due:' .. webhook, 'ZCARD') }
  local held = key_of('webhook-deliveries:' .. webhook, 'HLEN')

  -- A delivery; nothing, and whether there is one of a later version, where this one does not know it.
  function queue.read(id)
    local text = redis.call('HGET', held, id)
    local attempts, last, said = string.match(text or '', '^' .. DELIVERY_FORMAT .. ' (%d+) (%S+)[^\n]*\n(.*)$')
    if not attempts then return nil, text end
    return { attempts = tonumber(attempts), last = last, said = said }
  end

  function queue.write(id, attempts, last, said, at)
    redis.call('HSET', held, id, DELIVERY_FORMAT .. ' ' .. attempts .. ' ' .. last .. '\n' .. said)
    redis.call('ZADD', queue.due, at, id)
    redis.call('PEXPIRE', held, DELIVERIES_KEPT_MS)
    redis.call('PEXPIRE', queue.due, DELIVERIES_KEPT_MS)
  end

  function queue.remove(id)
    redis.call('ZREM', queue.due, id)
    redis.call('HDEL', held, id)
  end

  function queue.give_up(id, why, delivery)
    local failed = key_of('webhook-failed:' .. webhook, 'XLEN')
    redis.call('XADD', failed, 'MAXLEN', '~', MAX_FAILED, '*', 'call', id, 'why', why, 'attempts', delivery.attempts, 'end', delivery.said)
    redis.call('PEXPIRE', failed, DELIVERIES_KEPT_MS)
  end

  return queue
end
