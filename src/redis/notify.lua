-- What scripts say on channels.
local unrung
local function publish(channel, message)
  local reply = redis.pcall('SPUBLISH', channel, message)
  if type(reply) == 'table' and reply.err then unrung = reply.err end
end
