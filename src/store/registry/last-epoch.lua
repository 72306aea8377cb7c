-- What it answers stands in trim-epochs.ts.
local function last_epoch(epochs, name, found)
  local last = 0
  local function consider(text)
    local epoch = tonumber(text or nil)
    if epoch and epoch % 1 == 0 and epoch < 9007199254740991 then last = math.max(last, epoch) end
  end
  for _, text in ipairs(redis.call('HMGET', epochs, name, '@floor')) do consider(text) end
  for _, text in ipairs(found) do consider(text) end
  return last
end
