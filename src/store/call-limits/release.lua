-- Lets go of what a call holds of limits when it ends: what that is stands in its record, see limits-lua.ts. Needs prefix, text and
-- is_wrong_type.

-- Calls that leave the sets of unfinished ones, by key.
local released = {}

local function release(call, kind, reason, body)
  local held = string.match(call.more, ' limits=(%S+)')
  if not held then return end

  -- The text of the message in an error's body, with its escapes: what comes after it may differ each time. All of a body without one.
  local function message_in(body)
    local _, from = string.find(body, '"message":"', 1, true)
    local at = from
    while at do
      at = string.find(body, '["\\]', at + 1)
      if at and string.byte(body, at) == 34 then return string.sub(body, from + 1, at - 1) end
      at = at and at + 1
    end
    return body
  end

  -- The same failure again, another one, or an end to the row. What did not run, or was stopped, says nothing of the next try.
  local function note_outcome(key, kind, reason, body)
    if kind == 'result' then
      redis.call('DEL', key)
    elseif kind == 'tool_error' or kind == 'attempts_exhausted' or kind == 'outcome_unknown' then
      local failure = redis.sha1hex(kind .. ' ' .. reason .. ' ' .. message_in(body))
      local said = redis.pcall('GET', key)
      local former, times
      if not is_wrong_type(said) and said then former, times = string.match(said, '^1 (%x+) (%d+)') end
      redis.call('SET', key, '1 ' .. failure .. ' ' .. text[former == failure and times + 1 or 1], 'PX', RUN_TTL_MS)
    end
  end

  for what, subject in string.gmatch(held, '(%l)([%w_-]+)') do
    if what == 'r' then
      local key = prefix .. 'running:' .. subject
      local ids = released[key]
      if ids then ids[#ids + 1] = call.id else released[key] = { call.id } end
    elseif what == 'f' then
      note_outcome(prefix .. 'failing:' .. subject, kind, reason, body)
    end
  end
end
