-- Writes audit records: how they look stands in audit-record.ts. Needs prefix, now in milliseconds, and keep-aside.lua.

-- What is to be written, a line for each record.
local audit_lines = {}
local function note_audit(line) audit_lines[#audit_lines + 1] = line end

-- All that a script noted is one entry of the shard's stream of the day.
local function write_audit()
  if #audit_lines == 0 then return end
  local day, lines = string.format('%d', math.floor(now / DAY_MS)), table.concat(audit_lines, '\n')
  local key = prefix .. 'audit:' .. day
  audit_lines = {}
  local made = redis.pcall('XADD', key, '*', RECORDS_FIELD, lines)
  if is_wrong_type(made) then
    keep_aside(key, 'audit:' .. day)
    redis.call('XADD', key, '*', RECORDS_FIELD, lines)
  end
  if redis.call('XLEN', key) > 1 then return end
  -- The day's first entry. Whoever seals the day shortens its expiry to what is configured.
  redis.call('PEXPIRE', key, LONGEST_RETENTION_MS)
  local known = redis.pcall('HSETNX', prefix .. 'audit', day, '0-0')
  if is_wrong_type(known) then
    keep_aside(prefix .. 'audit', 'audit')
    redis.call('HSET', prefix .. 'audit', day, '0-0')
  end
end

-- What a call wanted and who made it, as a record of its admission has it; `who` is what the node says: kind, credential, revision, rule.
-- What calls have in common is said once: by their head, which calls of one turn share, and the words of the node.
local admissions_said = {}
local function audit_admission(call, who, arguments, node)
  local of_head = admissions_said[call.head]
  if not of_head then
    of_head = {}
    admissions_said[call.head] = of_head
  end
  local said = of_head[who]
  if not said then
    local kind, revision = string.match(who, '^(%S+ %S+) (%S+ %S+)$')
    said = {
      '1 call ' .. string.match(call.caller, '^%S+') .. ' ' .. call.caller .. ' ' .. kind .. ' call ' .. call.toolset .. ' ' .. call.tool .. ' ',
      ' ' .. call.contract .. ' ' .. revision .. ' allowed - - 0 ' .. node .. ' 0',
    }
    of_head[who] = said
  end
  note_audit(said[1] .. call.id .. ' ' .. arguments .. said[2])
end

-- How a call ended, where its head says that it is audited. A tool's own reasons are its words, and no part of the audit.
local ends_said = {}
local function audit_end(call, kind, reason)
  if not call.audited then return end
  if kind == 'tool_error' and not string.find(KNOWN_REASONS, ' ' .. reason .. ' ', 1, true) then reason = 'TOOL_ERROR' end
  local ran = (kind == 'result' or kind == 'tool_error') and 'yes' or kind == 'not_executed' and 'no' or 'unknown'
  local said = ends_said[call.head]
  if not said then
    said = {
      '1 end ' .. string.match(call.caller, '^%S+') .. ' ' .. call.caller .. ' - - call ' .. call.toolset .. ' ' .. call.tool .. ' ',
      ' - ' .. call.contract .. ' 0 - ',
    }
    ends_said[call.head] = said
  end
  note_audit(said[1] .. call.id .. said[2] .. kind .. ' ' .. reason .. ' ' .. ran .. ' ' .. string.format('%d', math.max(0, now - call.admitted))
    .. ' ' .. call.node .. ' 0')
end

-- That a document was changed; `author` is what the node says: tenant, id, kind, credential, node. A session's is a login, or the end of one.
local function audit_change(document, author, revision)
  local who, node = string.match(author, '^(%S+ %S+ %S+ %S+) (%S+)$')
  note_audit('1 ' .. (document.kind == 'session' and 'login ' or 'change ') .. document.tenant .. ' ' .. who .. ' administer ' .. document.kind .. ' '
    .. document.name .. ' - - - ' .. revision .. ' - allowed - - 0 ' .. node .. ' 0')
end
