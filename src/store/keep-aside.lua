-- What stands in the place of something else is kept aside for a day, under a name of its own. Needs prefix.
local function keep_aside(key, name)
  local aside = prefix .. 'damaged:' .. name
  redis.call('RENAME', key, aside)
  redis.call('PEXPIRE', aside, 86400000)
  redis.log(redis.LOG_WARNING, 'toolgate: ' .. key .. ' was damaged and is set aside as ' .. aside)
end
