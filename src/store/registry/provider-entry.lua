-- A provider's entry, as provider-entry.ts describes it.
local PROVIDER_ENTRY = '^1 (%S+) (%S+) (%d+) (%d) (%S+)(.*)$'

local function parse_provider(entry)
  local incarnation, token_hash, room, stage, session, more = string.match(entry or '', PROVIDER_ENTRY)
  if not incarnation then return nil end
  return { incarnation = incarnation, token_hash = token_hash, room = tonumber(room), stage = stage, session = session, more = more }
end

local function format_provider(p)
  return string.format('1 %s %s %.0f %s %s', p.incarnation, p.token_hash, p.room, p.stage, p.session) .. (p.more or '')
end
