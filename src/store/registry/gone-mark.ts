/** What follows a name in the field of `epochs` that marks its toolset as gone. */
export const GONE = "@gone";

/**
 * Lua that reads and writes such a mark: "1 <since> <last epoch>". The first word is the number of the format; since when the toolset
 * has been gone is in Unix milliseconds by Redis's clock.
 */
export const GONE_MARK_LUA = `
local function parse_gone(mark)
  local since, last = string.match(mark or '', '^1 (%d+) (.*)$')
  if not since then return nil end
  return { since = tonumber(since), last = last }
end

local function format_gone(mark)
  return string.format('1 %.0f ', mark.since) .. mark.last
end
`;
