-- Needs calls/record.lua. What it is for stands in line-search.ts.

-- Whether the caller is to look through the lines.
local function give_search()
  local whole = on_due('ZSCORE', DEADLINES_WHOLE)
  if whole and not on_due('ZSCORE', STRAYS) then return false end
  local ends = redis.call('PEXPIRETIME', prefix .. 'search')
  local turn = ends > now and ends <= now + LONGEST_REST_MS and redis.pcall('GET', prefix .. 'search')
  -- What is none of these, or never ends, was written by others.
  if type(turn) == 'string' and (tonumber(turn) or (turn == RESTS and whole)) then return false end
  redis.call('SET', prefix .. 'search', text[now], 'PX', TURN_MS)
  -- If it does not come to its end, another one begins anew; what is lost meanwhile is noted again.
  on_due('ZREM', DEADLINES_WHOLE, STRAYS)
  return true
end

local function go_on_searching()
  redis.call('PEXPIRE', prefix .. 'search', TURN_MS)
end

local function end_search()
  on_due('ZADD', '+inf', DEADLINES_WHOLE)
  local since = redis.pcall('GET', prefix .. 'search')
  since = type(since) == 'string' and tonumber(since)
  local took = since and since <= now and now - since or 0
  local rest = math.min(math.max(REST_FOR_TIME * took, SHORTEST_REST_MS), LONGEST_REST_MS)
  redis.call('SET', prefix .. 'search', RESTS, 'PX', text[rest])
end
