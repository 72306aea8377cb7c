-- Needs prefix, now in milliseconds, and wrong-type.lua. What it is for stands in presence.ts.
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
  if not (from and returned and holds and from <= returned and returned <= now and holds <= returned + LONGEST_HOLD_MS) then
    from, returned, holds = nil, 0, 0
  end
  absence = { seen = seen, returned = returned, holds = holds, from = now < holds and from or nil, first = from, begins = false,
    began = from and noted_time(said[6]) or 0 }
  if seen and now - seen > AWAY_AFTER_MS then
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
