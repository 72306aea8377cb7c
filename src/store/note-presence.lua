-- Needs presence.lua and calls/record.lua.
-- When a claim is over that was to end then. One of 0 was given up by its provider, and one that had ended when the first of absences
-- in a row began was not renewed between them either: no absence makes those last longer.
local function claim_end(claim, lease_ms)
  local latest = latest_absence()
  if claim == 0 or claim < (latest.first or 0) then return claim end
  return math.max(claim, latest.returned + lease_ms)
end

-- When what was due then, and passed in an absence, is over: so long after it. The next absence puts it off no further.
local function put_off(due_ms, patience_ms)
  local latest = latest_absence()
  if due_ms <= latest.began then return due_ms end
  return math.max(due_ms, latest.returned + patience_ms)
end

-- Notes that a node is there, and that an absence is over, whose leases are to hold for so long from now on.
local function note_presence(hold_ms)
  local key, latest = prefix .. 'presence', latest_absence()
  if latest.begins then
    latest.holds = now + hold_ms
    redis.call('HSET', key, 'seen', text[now], 'from', text[latest.from], 'returned', text[now], 'holds', text[latest.holds],
      'there', text[latest.there], 'began', text[latest.began])
    redis.log(redis.LOG_WARNING, 'toolgate: no node was at ' .. prefix .. ' for ' .. text[now - latest.seen] .. ' ms: leases and claims are held')
  elseif not latest.seen or latest.seen > now or now - latest.seen >= NOTED_EVERY_MS then
    if not latest.seen and redis.call('TYPE', key).ok ~= 'none' and redis.call('TYPE', key).ok ~= 'hash' then keep_aside(key, 'presence') end
    redis.call('HSET', key, 'seen', text[now])
  end
end
