-- An epoch's health, as health-entry.ts describes it.
local HEALTH = '^1 (%l[%w_-]*) (%d+) (%d+) (%d+) (%d)(.*)$'

local function parse_health(entry)
  local state, pong, live, room, announced, more = string.match(entry or '', HEALTH)
  if not state then return nil end
  return { state = state, pong = tonumber(pong), live = tonumber(live), room = tonumber(room), announced = announced, more = more }
end

local function format_health(h)
  return string.format('1 %s %.0f %.0f %.0f %s', h.state, h.pong, h.live, h.room, h.announced) .. (h.more or '')
end
