-- Needs prefix, mend.lua and document-entry.lua. The history of a document, as document-history.ts describes it.
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

-- Adds a revision, and lets go of the oldest ones beyond so many, or beyond so many bytes. Returns what is kept, and by how many
-- bytes the history grows.
local function remember(path, former, document, most, most_bytes)
  local key, word = history_key(path), string.format('%.0f', document.revision)
  former[#former + 1] = { revision = document.revision, bytes = #document.body }
  redis.call('HSET', key, word, document.head, word .. ':body', document.body)
  local bytes, grown, words, kept = 0, #document.body, {}, {}
  for place = #former, 1, -1 do
    local one = former[place]
    bytes = bytes + one.bytes
    if #former - place < most and (bytes <= most_bytes or place == #former) then
      table.insert(kept, 1, one)
      table.insert(words, 1, string.format('%.0f:%.0f', one.revision, one.bytes))
    else
      local gone = string.format('%.0f', one.revision)
      redis.call('HDEL', key, gone, gone .. ':body')
      grown = grown - one.bytes
    end
  end
  if #kept == 0 then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'revisions', '1 ' .. table.concat(words, ' '))
  end
  return kept, grown
end

-- Lets go of all of it. Returns by how many bytes it shrinks.
local function forget_history(path)
  set_aside_unless('hash', 'document:' .. path)
  local bytes = 0
  for _, one in ipairs(load_history(path)) do bytes = bytes + one.bytes end
  redis.call('DEL', history_key(path))
  return bytes
end
