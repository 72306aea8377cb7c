-- Needs prefix.
-- Kept for a day, under a name of its own.
local function put_aside(what, why)
  local aside = prefix .. 'damaged:' .. what
  redis.call('RENAME', prefix .. what, aside)
  redis.call('PEXPIRE', aside, 86400000)
  redis.log(redis.LOG_WARNING, 'toolgate: ' .. prefix .. what .. ' ' .. why .. ' and is set aside as ' .. aside)
end

local function set_aside_unless(kind, what)
  local found = redis.call('TYPE', prefix .. what).ok
  if found == 'none' or found == kind then return end
  put_aside(what, 'is no ' .. kind)
end

-- The keys of a shard that all its toolsets share.
local function mend_shard()
  set_aside_unless('hash', 'toolsets')
  set_aside_unless('hash', 'health')
  set_aside_unless('hash', 'epochs')
  set_aside_unless('stream', 'changes')
end
