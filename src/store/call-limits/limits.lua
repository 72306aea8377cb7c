-- Decides by limits whether calls may be admitted, and counts those that are: what limits are stands in limits-lua.ts. Needs prefix, now in
-- milliseconds, time, text, in_parts and is_wrong_type.

-- Reads limits, a line each: kind, subject, how many, microseconds; and groups of them, a line each: lines of limits, with commas between
-- them. Returns what is to be done with them. One function that makes the others: most scripts have no limits, and making a function
-- takes time.
local function read_limits(lines, group_lines)
  local now_us = time[1] * 1000000 + time[2]
  local day_ends = now - now % DAY_MS + DAY_MS
  -- How each kind's key begins.
  local LIMIT_KEYS = { rate = 'rate:', running = 'running:', daily = 'spent:', total = 'spent:', loop = 'failing:' }

  -- The limits of this execution, each read once and written once, however many calls it is for.
  local limits = {}
  for kind, subject, most, every in string.gmatch(lines, '(%l+) (%S+) (%d+) (%S+)\n') do
    limits[#limits + 1] = { kind = kind, key = prefix .. LIMIT_KEYS[kind] .. subject, subject = subject, most = tonumber(most),
      every = tonumber(every) }
  end

  -- What stands in a key; nothing where there is none, or something else is in its place, which the next write replaces.
  local function said_in(key)
    local said = redis.pcall('GET', key)
    return not is_wrong_type(said) and said or ''
  end

  -- How many more calls a limit allows now.
  local function left_of(limit)
    if limit.kind ~= 'rate' then return math.max(0, limit.most - limit.used) end
    -- A microsecond is what rounding takes.
    return math.max(0, math.floor((limit.most * limit.every + 1 - (limit.used - now_us)) / limit.every))
  end

  -- How far a limit is used up, before this execution, and how many more calls it allows.
  local function read_use(limit)
    limit.read = true
    if limit.kind == 'running' then
      local used = redis.pcall('ZCARD', limit.key)
      if is_wrong_type(used) then
        redis.call('DEL', limit.key)
        used = 0
      elseif used >= limit.most then
        -- Those whose ends were missed are looked for only where it is full.
        used = used - redis.call('ZREMRANGEBYSCORE', limit.key, '-inf', text[now - RUNNING_GRACE_MS])
      end
      limit.used, limit.entered, limit.inside = used, {}, {}
    elseif limit.kind == 'rate' then
      limit.used = math.max(tonumber(said_in(limit.key)) or 0, now_us)
      -- By no more than is allowed ahead of now, whatever the clock or the limit was when it was written: and from now on, or it would be as far
      -- ahead the next time, too.
      local most = now_us + limit.most * limit.every
      if limit.used > most then limit.used, limit.changed = most, true end
    elseif limit.kind == 'loop' then
      limit.used = tonumber(string.match(said_in(limit.key), '^1 %x+ (%d+)')) or 0
    else
      limit.used = tonumber(said_in(limit.key)) or 0
    end
    limit.left = left_of(limit)
  end

  -- When a limit that is used up allows another call, and when it is as if it had not been used: in milliseconds from now. -1: never.
  local function waits_of(limit)
    if limit.kind == 'rate' then
      local full = limit.used - now_us
      return math.max(1, math.ceil((full + limit.every - limit.most * limit.every) / 1000)), math.ceil(full / 1000)
    elseif limit.kind == 'running' then
      return RUNNING_RETRY_MS, RUNNING_RETRY_MS
    elseif limit.kind == 'daily' then
      return day_ends - now, day_ends - now
    end
    return -1, -1
  end

  -- Groups of limits: calls that have the same ones share a group. With what a record says of them until its call has ended, and those that
  -- count its calls, that count them by their ids while they are unfinished, and that end loops.
  local groups = {}
  for line in string.gmatch(group_lines, '[^\n]+') do
    local group, held = { counters = {}, running = {}, loops = {} }, {}
    for place in string.gmatch(line, '%d+') do
      local limit = limits[tonumber(place)]
      limit.place = place
      group[#group + 1] = limit
      local part = limit.kind == 'running' and group.running or limit.kind == 'loop' and group.loops or group.counters
      part[#part + 1] = limit
      if part ~= group.counters then held[#held + 1] = (limit.kind == 'running' and 'r' or 'f') .. limit.subject end
    end
    group.held = #held > 0 and ' limits=' .. table.concat(held, ',') or ''
    groups[#groups + 1] = group
  end

  -- Whether a call is among the unfinished ones that a limit counts.
  local function is_inside(limit, id)
    return limit.inside[id] or redis.call('ZSCORE', limit.key, id)
  end

  -- Most calls that follow each other have the same limits. So only one group counts at a time: how many calls it lets in is found once, and
  -- its limits hear of those that it let in when another group's turn comes.
  local turn = { spent = 0 }

  local function note_spent()
    if turn.spent == 0 then return end
    for _, limit in ipairs(turn.group.counters) do
      limit.left, limit.used, limit.changed = limit.left - turn.spent, limit.used + turn.spent * (limit.kind == 'rate' and limit.every or 1), true
    end
    turn.spent = 0
  end

  local function take_turn(group)
    note_spent()
    local room = math.huge
    for _, limit in ipairs(group) do
      if not limit.read then read_use(limit) end
      if limit.kind ~= 'loop' or limit.left == 0 then room = math.min(room, limit.left) end
    end
    turn = { group = group, room = room, spent = 0 }
  end

  -- How a call is refused, and when to come again, by those of its limits that are used up; nothing where none of them counts it anew. Of
  -- several, the one that lasts longest.
  local function refusal_by(group, id)
    local worst, longest, budget
    for _, limit in ipairs(group) do
      local left = math.max(0, limit.left)
      if limit.kind == 'daily' or limit.kind == 'total' then budget = math.min(budget or left, left) end
      if left == 0 and not (limit.kind == 'running' and is_inside(limit, id)) then
        local wait = limit.kind == 'loop' and math.huge or waits_of(limit)
        if wait == -1 then wait = DAY_MS end
        if not worst or wait > longest then worst, longest = limit, wait end
      end
    end
    if not worst then return nil end
    local retry, reset = waits_of(worst)
    return 'limited ' .. worst.place .. ' ' .. text[retry] .. ' ' .. text[reset] .. ' ' .. (budget and text[budget] or '-')
  end

  -- How a call is refused; nothing where none of its limits refuses it, and nothing is counted yet.
  local function refused_by(group, id)
    if turn.group ~= group then take_turn(group) end
    if turn.room > 0 then return nil end
    if turn.refusal then return turn.refusal end
    note_spent()
    local refusal = refusal_by(group, id)
    -- Only by ids one call differs from another, and nothing is counted before another group's turn.
    if #group.running == 0 then turn.refusal = refusal end
    return refusal
  end

  -- Counts a call that its limits let in, as `refused_by` has just said; its claim on those that count unfinished calls ends by itself at
  -- its deadline. Of these, only those count it that are said.
  local function spend(id, deadline, counting)
    turn.room, turn.spent = turn.room - 1, turn.spent + 1
    for _, limit in ipairs(counting) do
      limit.left, limit.used, limit.inside[id] = limit.left - 1, limit.used + 1, true
      limit.until_ms = math.max(limit.until_ms or 0, deadline)
      limit.entered[#limit.entered + 1] = text[deadline]
      limit.entered[#limit.entered + 1] = id
    end
  end

  -- Those of a group that count a call anew: all but those that count it among the unfinished ones.
  local function anew(group, id)
    local found = {}
    for _, limit in ipairs(group) do
      if limit.kind ~= 'running' or not is_inside(limit, id) then found[#found + 1] = limit end
    end
    return found
  end

  local function write_limits()
    note_spent()
    for _, limit in ipairs(limits) do
      if limit.until_ms then
        in_parts(limit.entered, function(...) redis.call('ZADD', limit.key, ...) end)
        -- Longer than it must, so that it need not be done each time.
        if redis.call('PEXPIRETIME', limit.key) < limit.until_ms + RUNNING_GRACE_MS then
          redis.call('PEXPIREAT', limit.key, text[limit.until_ms + RUNNING_SPARE_MS])
        end
      elseif limit.changed and limit.kind == 'rate' then
        redis.call('SET', limit.key, string.format('%.0f', limit.used), 'PX', text[math.max(1, math.ceil((limit.used - now_us) / 1000))])
      elseif limit.changed and limit.kind == 'daily' then
        redis.call('SET', limit.key, text[limit.used], 'PXAT', text[day_ends])
      elseif limit.changed then
        redis.call('SET', limit.key, text[limit.used], 'PX', RUN_TTL_MS)
      end
    end
  end

  return { groups = groups, read_use = read_use, anew = anew, refused_by = refused_by, spend = spend, write = write_limits }
end
