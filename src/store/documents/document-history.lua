-- Needs prefix and document-entry.lua. The history of a document, as document-history.ts describes it.
local function history_key(path)
  return prefix .. 'document:' .. path
end

-- The former revisions, oldest first, each with the bytes of its content.
local function load_history(path)
  local former = {}
  local said = redis.call('HGET', history_key(path), 'revisions')
  for revision, bytes in string.gmatch(string.match(said or '', '^1 (.*)$') or '', '(%d+):(%d+)') do
    former[#former + 1] = { revision = tonumber(revision), bytes = tonumber(bytes) }
  end
  return former
end

-- Adds a revision, and lets go of the oldest ones beyond so many, or beyond so many bytes.
local function remember(path, former, document, most, most_bytes)
  local key, word = history_key(path), string.format('%.0f', document.revision)
  former[#former + 1] = { revision = document.revision, bytes = #document.body }
  redis.call('HSET', key, word, document.head, word .. ':body', document.body)
  local bytes, kept = 0, {}
  for place = #former, 1, -1 do
    bytes = bytes + former[place].bytes
    if #former - place < most and (bytes <= most_bytes or place == #former) then
      table.insert(kept, 1, string.format('%.0f:%.0f', former[place].revision, former[place].bytes))
    else
      local gone = string.format('%.0f', former[place].revision)
      redis.call('HDEL', key, gone, gone .. ':body')
    end
  end
  if #kept == 0 then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'revisions', '1 ' .. table.concat(kept, ' '))
  end
end
