-- Notes calls that have ended, to be listed: how that looks stands in ended-calls.ts. Needs prefix, now in milliseconds,
-- wrong-type.lua and keep-aside.lua.

-- Lines for the stream of remarkable ends and for that of all others; how many ends had no room among them.
local ends_listed = { [ENDED_REMARKABLY] = {}, [ENDED] = {} }
local ends_passed, ends_seen = 0, 0

-- How a call ended, in words: see ended-calls.ts.
local function end_line(call, kind, reason)
  return string.format('%s %s %s %d %d %d %s %s %s', call.id, kind, reason, call.attempt or 0, call.claimed or 0, now,
    call.node or '-', call.owner or '-', call.head)
end

local function list_end(call, kind, reason)
  if not call.listed then return end
  ends_seen = ends_seen + 1
  local remarkable = kind ~= 'result' or now - call.admitted >= SLOW_CALL_MS
  local lines = ends_listed[remarkable and ENDED_REMARKABLY or ENDED]
  if #lines == ENDS_PER_ENTRY then
    ends_passed = ends_passed + 1
  else
    lines[#lines + 1] = end_line(call, kind, reason)
  end
end

-- All that a script noted is an entry in each stream. Of the usual ends of a busy node, a part is enough: its scripts end many calls each.
local function write_listed_ends()
  if ends_seen == 0 then return end
  for name, lines in pairs(ends_listed) do
    if #lines > 0 and (name == ENDED_REMARKABLY or ends_seen <= ENDS_PER_ENTRY or now % BUSY_SHARE == 0) then
      local key, entry = prefix .. name, '1 ' .. ends_passed .. '\n' .. table.concat(lines, '\n')
      if is_wrong_type(redis.pcall('XADD', key, 'MAXLEN', '~', MAX_ENTRIES, '*', 'ends', entry)) then
        keep_aside(key, name)
        redis.call('XADD', key, '*', 'ends', entry)
      end
      redis.call('PEXPIRE', key, ENDS_KEPT_MS)
    end
    ends_listed[name] = {}
  end
  ends_passed, ends_seen = 0, 0
end
