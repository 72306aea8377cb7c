-- Needs registry.lua.
local function forget_epoch(name, epoch, linger_ms)
  set_aside_unless('stream', 'requests:' .. name .. ':' .. epoch)
  redis.call('HDEL', toolsets, name .. '@' .. epoch)
  redis.call('HDEL', health, name .. '@' .. epoch)
  forget_leases(name, epoch)
  local requests = prefix .. 'requests:' .. name .. ':' .. epoch
  if redis.call('XLEN', requests) == 0 then redis.call('DEL', requests) else redis.call('PEXPIRE', requests, linger_ms) end
end

-- The epochs of which there is anything, when no record names them.
local function find_every_epoch(name)
  local epochs, known = {}, {}
  for _, key in ipairs({ toolsets, health }) do
    local cursor = '0'
    repeat
      local page = redis.call('HSCAN', key, cursor, 'MATCH', name .. '@*', 'COUNT', 1000)
      cursor = page[1]
      for i = 1, #page[2], 2 do
        local epoch = string.match(page[2][i], '@(.*)$')
        if not known[epoch] then epochs[#epochs + 1] = epoch end
        known[epoch] = true
      end
    until cursor == '0'
  end
  return epochs
end

local function forget_every_epoch(name, epochs)
  for _, epoch in ipairs(epochs) do forget_epoch(name, epoch, 86400000) end
end

local function forget_toolset(record, linger_ms)
  redis.call('HDEL', toolsets, record.name)
  records[record.name] = false
  local last = 0
  for _, entry in ipairs(record.epochs) do
    forget_epoch(record.name, entry.epoch, linger_ms)
    last = math.max(last, entry.epoch)
  end
  announce('unregistered', record.name, last)
end
