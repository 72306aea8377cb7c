-- Decides by limits whether calls may be admitted, and counts those that are: what limits are stands in limits-lua.ts. Needs prefix, now in
-- milliseconds, time, text, in_parts and is_wrong_type.

-- Reads limits, a line each: kind, subject, how many, microseconds. Returns what is to be done with them. One function that makes the
-- others: most scripts have no limits, and making a function takes time.
local function read_limits(lines)
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
      -- By no more than is allowed ahead of now, whatever the clock was when it was written.
      limit.used = math.min(math.max(tonumber(said_in(limit.key)) or 0, now_us), now_us + limit.most * limit.every)
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

  -- The limits that a list names, with what a record says of them until its call has ended. Calls share lists.
  local lists = {}
  local function limits_of(list)
    local named = lists[list]
    if not named then
      local held = {}
      named = {}
      for place in string.gmatch(list, '%d+') do
        local limit = limits[tonumber(place)]
        limit.place = place
        named[#named + 1] = limit
        if limit.kind == 'running' then held[#held + 1] = 'r' .. limit.subject end
        if limit.kind == 'loop' then held[#held + 1] = 'f' .. limit.subject end
      end
      named.held = #held > 0 and ' limits=' .. table.concat(held, ',') or ''
      lists[list] = named
    end
    return named
  end

  -- Whether a call is among the unfinished ones that a limit counts.
  local function is_inside(limit, id)
    return limit.inside[id] or redis.call('ZSCORE', limit.key, id)
  end

  -- How a call is refused, and when to come again, by those of its limits that are used up; nothing where none of them counts it anew. Of
  -- several, the one that lasts longest.
  local function refusal_by(named, id)
    local worst, longest, budget
    for _, limit in ipairs(named) do
      if not limit.read then read_use(limit) end
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
  local function refused_by(named, id)
    for _, limit in ipairs(named) do
      if not limit.read then read_use(limit) end
      if limit.left <= 0 then return refusal_by(named, id) end
    end
  end

  -- Counts a call that its limits let in; its claim on those that count unfinished calls ends by itself at its deadline.
  local function spend(named, id, deadline)
    for _, limit in ipairs(named) do
      if limit.kind ~= 'loop' then limit.left = limit.left - 1 end
      if limit.kind == 'rate' then
        limit.used, limit.spent = limit.used + limit.every, true
      elseif limit.kind == 'running' then
        limit.used, limit.until_ms, limit.inside[id] = limit.used + 1, math.max(limit.until_ms or 0, deadline), true
        limit.entered[#limit.entered + 1] = text[deadline]
        limit.entered[#limit.entered + 1] = id
      elseif limit.kind ~= 'loop' then
        limit.used, limit.spent = limit.used + 1, true
      end
    end
  end

  local function write_limits()
    for _, limit in ipairs(limits) do
      if limit.until_ms then
        in_parts(limit.entered, function(...) redis.call('ZADD', limit.key, ...) end)
        -- Longer than it must, so that it need not be done each time.
        if redis.call('PEXPIRETIME', limit.key) < limit.until_ms + RUNNING_GRACE_MS then
          redis.call('PEXPIREAT', limit.key, text[limit.until_ms + RUNNING_SPARE_MS])
        end
      elseif limit.spent and limit.kind == 'rate' then
        redis.call('SET', limit.key, string.format('%.0f', limit.used), 'PX', text[math.max(1, math.ceil((limit.used - now_us) / 1000))])
      elseif limit.spent and limit.kind == 'daily' then
        redis.call('SET', limit.key, text[limit.used], 'PXAT', text[day_ends])
      elseif limit.spent then
        redis.call('SET', limit.key, text[limit.used], 'PX', RUN_TTL_MS)
      end
    end
  end

  return { limits_of = limits_of, read_use = read_use, is_inside = is_inside, refused_by = refused_by, spend = spend, write = write_limits }
end
