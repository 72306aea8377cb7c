-- Reads and writes a call's record: how it looks stands in record-lua.ts. Needs prefix, due, now in milliseconds, wrong-type.lua,
-- keep-aside.lua, audit.lua, number-text.lua, ends.lua, ended-calls.lua and queue-deliveries.lua.

local HEAD = '^(%S+) (%S+) (%d+) (%S+) (%l[%w_-]*) ((%d+) (%d+) (%d+) (%S+ %S+)(.*))$'
local LIFE = '^(%l[%w_-]*) (%d+) (%d+%-%d+) (%d) (%S+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+)([^\n]*)$'
local TERMINAL = TERMINAL_LINE

-- What a head says, by its text: calls that were admitted together share one, so it is read once. False where it is damaged.
local heads = {}
local function read_head(head)
  local read = heads[head]
  if read == nil then
    local toolset, tool, epoch, contract, delivery, fixed, deadline, retention, admitted, caller, appended = string.match(head, HEAD)
    local tenant = toolset and string.match(caller, '^%S+')
    read = toolset and { __index = { head = head, toolset = toolset, tool = tool, epoch = epoch, contract = contract,
      delivery = delivery == 'idempotent' and delivery or 'once', fixed = delivery .. ' ' .. fixed, caller = caller, deadline = tonumber(deadline),
      admitted = tonumber(admitted), audited = string.find(appended .. ' ', ' audited ', 1, true) ~= nil, listed = string.find(appended .. ' ', ' listed ', 1, true) ~= nil,
      webhooks = string.match(appended, ' webhooks=(%S+)'), expires = text[deadline + retention], former = '', more = '',
      guest = tenant ~= (string.match(toolset, '^([^/]+)/') or DEFAULT_TENANT) and tenant or nil, requests = prefix .. 'requests:' .. toolset .. ':' .. epoch } } or false
    heads[head] = read
  end
  return read
end

-- The digest and the head of a record, and where its second line begins; nothing where it is not of this format. It is looked for
-- single characters: a pattern that captures as much as this takes a microsecond longer.
local function split_record(record)
  local space, line = string.find(record, ' ', DIGEST_PLACE, true), string.find(record, '\n', 1, true)
  if not space or not line or space > line or string.sub(record, 1, DIGEST_PLACE - 1) ~= FORMAT_WORD then return nil end
  return string.sub(record, DIGEST_PLACE, space - 1), string.sub(record, space + 1, line - 1), line + 1
end

-- The head of a call that goes to another epoch.
local function moved_head(call, epoch, contract)
  return call.toolset .. ' ' .. call.tool .. ' ' .. epoch .. ' ' .. contract .. ' ' .. call.fixed
end

-- Runs a command on the set of deadlines. What is none is kept aside, and the deadlines are found again in the records.
local function on_due(command, ...)
  local reply = redis.pcall(command, due, ...)
  if not is_wrong_type(reply) then return reply end
  keep_aside(due, 'due')
  return redis.call(command, due, ...)
end

-- Ends a call whose record was lost: what became of it is not known. A repeat of it comes to this end, and does not run it again.
local function lose(id, head, attempt)
  local terminal = 'outcome_unknown STATE_LOST ' .. text[attempt] .. ' ' .. text[now] .. ' 0\n'
  local expires = math.max(now + 1, tonumber(read_head(head).__index.expires))
  redis.call('SET', prefix .. 'call:' .. id, FORMAT_WORD .. '* ' .. head .. '\n' .. terminal, 'PXAT', text[expires])
  local lost = setmetatable({ id = id, node = '-', attempt = attempt }, read_head(head))
  audit_end(lost, 'outcome_unknown', 'STATE_LOST')
  note_end(lost, 'outcome_unknown', 'STATE_LOST')
  write_audit()
  list_end(lost, 'outcome_unknown', 'STATE_LOST')
  write_listed_ends()
  if lost.webhooks then
    queue_deliveries(lost, 'outcome_unknown', 'STATE_LOST')
    write_deliveries()
  end
  on_due('ZREM', id)
  on_due('ZADD', '+inf', STRAYS)
end

-- A damaged record must not end a script that looks at other calls too. It is kept aside for a day, and its call is lost.
local function set_aside(id, head)
  keep_aside(prefix .. 'call:' .. id, id)
  on_due('ZREM', id)
  on_due('ZADD', '+inf', STRAYS)
  if head then lose(id, head, 0) end
end

-- Records that were read ahead, by key; each of them is looked at once, since it may be written then.
local fetched = {}
local function fetch_calls(ids)
  local keys = {}
  for place, id in ipairs(ids) do keys[place] = prefix .. 'call:' .. id end
  for place, record in ipairs(redis.call('MGET', unpack(keys))) do fetched[keys[place]] = record end
end

-- The call, or nothing when it has no record; then also whether there was a damaged one. Of a large end the terminal is not all
-- there: `whole` says whether it is.
local function load_call(id)
  local key = prefix .. 'call:' .. id
  local record, whole = fetched[key], true
  fetched[key] = nil
  if not record then
    record = redis.pcall('GETRANGE', key, 0, PEEKED_BYTES - 1)
    whole = type(record) ~= 'string' or #record < PEEKED_BYTES
    if record == '' then record = redis.call('GET', key) end -- there is none, or it is empty
  end
  if not record then return nil end
  local head
  if not is_wrong_type(record) then
    local digest, said, from = split_record(record)
    if not said and not whole then
      record, whole = redis.call('GET', key), true -- its first line alone is longer than this
      digest, said, from = split_record(record)
    end
    head = said and read_head(said) and said
    if head then
      -- What lives is read whole: it is as long as this where very many nodes want to hear of it.
      if not whole and not string.find(record, TERMINAL, from) then record, whole = redis.call('GET', key), true end
      local state, attempt, entry, pinned, cancel, output, claim, look, claimed, owner, node, watchers, more = string.match(record, LIFE, from)
      local lives = state and (output == '-' or output == 'over' or tonumber(output))
      if lives or string.find(record, TERMINAL, from) then
        local former
        if lives and string.find(owner, ',', 1, true) then owner, former = string.match(owner, '^([^,]*)(.*)$') end
        return setmetatable({ id = id, key = key, digest = digest, terminal = not lives and string.sub(record, from) or nil, whole = whole,
          state = state, attempt = tonumber(attempt or 0), entry = entry, pinned = pinned, cancel = cancel ~= '-' and cancel or nil,
          output = output, claim = tonumber(claim or 0), look = tonumber(look or 0), claimed = tonumber(claimed or 0), owner = owner,
          former = former, node = node, watchers = watchers ~= '-' and watchers or '', more = more }, heads[head])
      end
    end
  end
  set_aside(id, head)
  return load_call(id), true
end

-- How a call ended, as it is said beside other things: where that is large, only that it is.
local said_bytes = 0
local function said_end(call)
  local bytes = #call.terminal
  if not call.whole or bytes > SAID_BYTES or (said_bytes > 0 and said_bytes + bytes > SAID_TOGETHER_BYTES) then return 'large' end
  said_bytes = said_bytes + bytes
  return call.terminal
end

-- Writes where a call that lives stands.
local function save_call(call)
  redis.call('SET', call.key, FORMAT_WORD .. call.digest .. ' ' .. call.head .. '\n' .. call.state .. ' ' .. text[call.attempt] .. ' ' ..
    call.entry .. ' ' .. call.pinned .. ' ' .. (call.cancel or '-') .. ' ' .. call.output .. ' ' .. text[call.claim] .. ' ' ..
    text[call.look] .. ' ' .. text[call.claimed] .. ' ' .. call.owner .. call.former .. ' ' .. call.node .. ' ' ..
    (call.watchers == '' and '-' or call.watchers) .. call.more, 'PXAT', call.expires)
end

-- Writes how a call ended, and returns it. It expires when it would have otherwise.
local function save_end(call, kind, reason, body)
  local terminal = kind .. ' ' .. reason .. ' ' .. text[call.attempt] .. ' ' .. text[now] .. ' ' .. text[call.claimed] .. '\n' .. body
  redis.call('SET', call.key, FORMAT_WORD .. call.digest .. ' ' .. call.head .. '\n' .. terminal, 'KEEPTTL')
  return terminal
end
