/**
 * Lua that reads and writes a provider's entry, a field of `providers:<toolset>:<epoch>`: "1 <incarnation> <token hash> <room> <stage>
 * <session>". The first word is the number of the format; what a later version appends is kept. The stages:
 *
 * - `0`: gets calls: its session has ponged, and has not missed too many pings since
 * - `1`: drains, and gets none any more
 * - `2`: gets none until it pongs: it has not yet, or missed too many pings
 * - `3`: got calls through another session, and gets some again when this one has ponged; until then its room counts, so that a
 *   provider that moves from node to node does not make its epoch unhealthy
 *
 * A provider in a stage that is not known gets none, and its room does not count.
 */
export const PROVIDER_ENTRY_LUA = `
local PROVIDER_ENTRY = '^1 (%S+) (%S+) (%d+) (%d) (%S+)(.*)$'

local function parse_provider(entry)
  local incarnation, token_hash, room, stage, session, more = string.match(entry or '', PROVIDER_ENTRY)
  if not incarnation then return nil end
  return { incarnation = incarnation, token_hash = token_hash, room = tonumber(room), stage = stage, session = session, more = more }
end

local function format_provider(p)
  return string.format('1 %s %s %.0f %s %s', p.incarnation, p.token_hash, p.room, p.stage, p.session) .. (p.more or '')
end
`;
