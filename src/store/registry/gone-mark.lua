-- The mark of a toolset that is gone, as gone-mark.ts describes it.
local function parse_gone(mark)
  local since, last = string.match(mark or '', '^1 (%d+) (.*)$')
  if not since then return nil end
  return { since = tonumber(since), last = last }
end

local function format_gone(mark)
  return string.format('1 %.0f ', mark.since) .. mark.last
end
