/**
 * How long no node need be heard of in a shard for Redis to count as having been away, in milliseconds. Each node is heard of every
 * 200 ms or so; see settler.ts.
 */
export const AWAY_AFTER_MS = 1_000;
/** How old the note that a node was there may get before it is written again, in milliseconds. */
const NOTED_EVERY_MS = 100;
/** Longer than any setting has an absence heeded, in milliseconds: what says more was written by others. */
const LONGEST_HOLD_MS = 7 * 86_400_000;

/**
 * Lua that distinguishes an outage of Redis from lost providers, for scripts that judge leases, claims and health. They have `prefix`,
 * `now` in milliseconds, and what record-lua.ts or epoch-lua.ts begin with.
 *
 * Redis's clock goes on while no node can reach it: while it stands still, restarts, fails over, or the network is gone. What nodes
 * keep alive would all end then, at once, and by no fault of theirs. So each node notes in a shard, regularly, that it is there
 * (`note_presence`, by SETTLE). Where no note came for a while, none could renew anything: an absence. One node that is cut off is
 * none, for the others go on noting. The first note after an absence writes it down, so that every node heeds it:
 *
 *   seen      when a node was there last
 *   from      when a node had been there last before the latest absence
 *   began     when a node had been there last before the latest absence itself
 *   returned  when the first came back
 *   holds     until when leases and health that the absence kept from being renewed are held to be as they were: `lease_time`
 *   there     how long nodes had been there between the absences that are taken for one, in milliseconds
 *
 * Scripts that come before that first note see from `seen` that there is an absence, and write nothing. A claim that had not ended
 * when the absence began lasts as if it had been extended at its end: `claim_end`. Deadlines of calls are not put off; the end of a call
 * whose deadline passed meanwhile waits a moment for its result, once: `put_off`.
 *
 * An absence while one before is heeded still, begins with that one: leases that were not renewed in between count from there. That
 * goes on until nodes were there in between for as long as an absence is heeded: a node that has not come back by then is lost, however
 * often Redis goes away.
 */
export const PRESENCE_LUA = `
local absence
-- A time of the note; nil for what is none.
local function noted_time(said)
  local ms = tonumber(said or nil)
  return ms and ms >= 0 and ms < 1e15 and ms or nil
end

-- The latest absence, read once by each script: from where it is heeded still, first (the same, heeded or not), began, returned, and
-- whether it is over only now.
local function latest_absence()
  if absence then return absence end
  local said = redis.pcall('HMGET', prefix .. 'presence', 'seen', 'from', 'returned', 'holds', 'there', 'began')
  if is_wrong_type(said) then said = {} end
  local seen, from, returned, holds = noted_time(said[1]), noted_time(said[2]), noted_time(said[3]), noted_time(said[4])
  -- A clock that was set back says nothing of what was written before.
  if not (from and returned and holds and from <= returned and returned <= now and holds <= returned + ${LONGEST_HOLD_MS}) then
    from, returned, holds = nil, 0, 0
  end
  absence = { seen = seen, returned = returned, holds = holds, from = now < holds and from or nil, first = from, begins = false,
    began = from and noted_time(said[6]) or 0 }
  if seen and now - seen > ${AWAY_AFTER_MS} then
    local there = (noted_time(said[5]) or 0) + seen - returned
    local goes_on = seen < holds and there < holds - returned
    absence.from, absence.there = goes_on and from or seen, goes_on and there or 0
    absence.first, absence.began, absence.returned, absence.begins = absence.from, seen, now, true
  end
  return absence
end

-- The time by which leases and health are judged: now, or the beginning of an absence that is heeded.
local function lease_time()
  return latest_absence().from or now
end

-- Whether a lease that ends then is held.
local function is_held(lease_end)
  return lease_end > now or lease_end > lease_time()
end

-- Whether a pong is recent enough, of providers whose last lease ends then.
local function is_recent(pong, lease_end, window)
  if pong == 0 then return false end
  if now - pong <= window and lease_end > now then return true end
  return lease_time() - pong <= window and lease_end > lease_time()
end
`;

/** Lua, on top of that: what SETTLE does. */
export const NOTE_PRESENCE_LUA = `
-- When a claim is over that was to end then. One of 0 was given up by its provider, and one that had ended when the first of absences
-- in a row began was not renewed between them either: no absence makes those last longer.
local function claim_end(claim, lease_ms)
  local latest = latest_absence()
  if claim == 0 or claim < (latest.first or 0) then return claim end
  return math.max(claim, latest.returned + lease_ms)
end

-- When what was due then, and passed in an absence, is over: so long after it. The next absence puts it off no further.
local function put_off(due_ms, patience_ms)
  local latest = latest_absence()
  if due_ms <= latest.began then return due_ms end
  return math.max(due_ms, latest.returned + patience_ms)
end

-- Notes that a node is there, and that an absence is over, whose leases are to hold for so long from now on.
local function note_presence(hold_ms)
  local key, latest = prefix .. 'presence', latest_absence()
  if latest.begins then
    latest.holds = now + hold_ms
    redis.call('HSET', key, 'seen', text[now], 'from', text[latest.from], 'returned', text[now], 'holds', text[latest.holds],
      'there', text[latest.there], 'began', text[latest.began])
    redis.log(redis.LOG_WARNING, 'toolgate: no node was at ' .. prefix .. ' for ' .. text[now - latest.seen] .. ' ms: leases and claims are held')
  elseif not latest.seen or latest.seen > now or now - latest.seen >= ${NOTED_EVERY_MS} then
    if not latest.seen and redis.call('TYPE', key).ok ~= 'none' and redis.call('TYPE', key).ok ~= 'hash' then keep_aside(key, 'presence') end
    redis.call('HSET', key, 'seen', text[now])
  end
end
`;
