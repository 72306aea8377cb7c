-- Queues what webhooks are to be told of calls that end: how that looks stands in webhook-deliveries.ts. Needs prefix, now in
-- milliseconds, wrong-type.lua, keep-aside.lua and ended-calls.lua.

-- By webhook: calls and their ends, in turn.
local deliveries = {}

local function queue_deliveries(call, kind, reason)
  local said = end_line(call, kind, reason)
  for webhook in string.gmatch(call.webhooks, '[^,]+') do
    local own = deliveries[webhook]
    if not own then
      own = {}
      deliveries[webhook] = own
    end
    own[#own + 1] = call.id
    own[#own + 1] = said
  end
end

-- What is of another type than it should be is kept aside: it must not keep calls from ending.
local function delivery_key(name, asked)
  local key = prefix .. name
  local reply = redis.pcall(asked, key)
  if not is_wrong_type(reply) then return key, reply end
  keep_aside(key, name)
  return key, 0
end

local function write_deliveries()
  for webhook, own in pairs(deliveries) do
    local due, queued = delivery_key('webhook-due:' .. webhook, 'ZCARD')
    local held = delivery_key('webhook-deliveries:' .. webhook, 'HLEN')
    for place = 1, #own, 2 do
      local id, said = own[place], own[place + 1]
      if queued < MAX_QUEUED then
        redis.call('HSET', held, id, DELIVERY_FORMAT .. ' 0 -\n' .. said)
        redis.call('ZADD', due, now, id)
        queued = queued + 1
      else
        local given_up = delivery_key('webhook-failed:' .. webhook, 'XLEN')
        redis.call('XADD', given_up, 'MAXLEN', '~', MAX_FAILED, '*', 'call', id, 'why', 'QUEUE_FULL', 'attempts', 0, 'end', said)
        redis.call('PEXPIRE', given_up, DELIVERIES_KEPT_MS)
      end
    end
    redis.call('PEXPIRE', due, DELIVERIES_KEPT_MS)
    redis.call('PEXPIRE', held, DELIVERIES_KEPT_MS)
  end
  deliveries = {}
end
