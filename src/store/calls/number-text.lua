-- Numbers as text, each made once: Redis and Lua take a microsecond to print a number as a float.
local text = setmetatable({}, { __index = function(known, number)
  local made = string.format('%d', number)
  known[number] = made
  return made
end })
