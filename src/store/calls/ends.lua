-- What ended, for the metrics of the node that runs the script. Needs now and text.
local METERED = false
local ends_of_heads = {}
local function note_end(call, kind, reason)
  if not METERED then return end
  local of_head = ends_of_heads[call.head]
  if not of_head then
    of_head = {}
    ends_of_heads[call.head] = of_head
  end
  local said = kind .. ' ' .. reason
  local line = of_head[said]
  if not line then
    line = { call.toolset .. ' ' .. call.tool .. ' ' .. said .. ' ' .. text[call.admitted] }
    of_head[said] = line
  end
  line[#line + 1] = (call.claimed or 0) == 0 and '-' or text[math.max(0, call.claimed - call.admitted)]
end

-- The time and, for calls of one head that ended alike, a line: toolset, tool, kind, reason, time of the admission, and for each of them
-- how much later it was claimed first, or -. Nothing where nothing has ended, or nobody asked.
local function metered_ends()
  local lines = {}
  for _, of_head in pairs(ends_of_heads) do
    for _, line in pairs(of_head) do lines[#lines + 1] = table.concat(line, ' ') end
  end
  return #lines > 0 and text[now] .. '\n' .. table.concat(lines, '\n')
end
