-- Whether a reply says that a key holds something of another type than the command is for. Any other refusal ends the script: a
-- user that may not read, say, finds nothing damaged.
local function is_wrong_type(reply)
  if type(reply) ~= 'table' or not reply.err then return false end
  return string.find(reply.err, 'WRONGTYPE', 1, true) ~= nil or error(reply)
end
