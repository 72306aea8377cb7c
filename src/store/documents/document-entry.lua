-- The entry of a document, as document-entry.ts describes it.
local function parse_document(entry)
  local ends = entry and string.find(entry, '\n', 1, true)
  if not ends then return nil end
  local head = string.sub(entry, 1, ends - 1)
  local revision, state = string.match(head, '^1 (%d+) %d+ (%l[%w_-]*) %S+ %S+')
  if not revision or #revision > 16 then return nil end
  return { revision = tonumber(revision), state = state, head = head, body = string.sub(entry, ends + 1) }
end

local function format_document_head(document)
  return string.format('1 %.0f %.0f %s ', document.revision, document.written, document.state) .. document.author .. ' ' .. document.reason
end
