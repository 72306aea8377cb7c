-- What scripts say on channels.
local unpublished
local function publish(channel, message)
  local reply = redis.pcall('SPUBLISH', channel, message)
  if type(reply) == 'table' and reply.err then unpublished = reply.err end
end
