-- Sends back what members hold that are gone, and forgets them.
-- KEYS: members, the stream of what comes again, then the streams. ARGV: the group, who calls, who is known to be gone ('' for: whose
-- lease has run out), then for each stream its topic ('' where entries say it themselves).
-- Returns 1 if there is more to do.
local g, me, gone = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left = 500

local function is_gone(name)
  if gone ~= '' then return name == gone end
  if name == me then return false end
  local lease = redis.call('ZSCORE', KEYS[1], name)
  return not lease or tonumber(lease) <= now
end
--GIVE_BACK--
local function reap(stream, topic, name)
  while left > 0 do
    local pending = redis.call('XPENDING', stream, g, '-', '+', math.min(left, 100), name)
    if #pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', stream, g, name)
      return
    end
    for _, p in ipairs(pending) do give_back(stream, topic, p[1], p[4]) end
    left = left - #pending
  end
end
if gone ~= '' then redis.call('ZREM', KEYS[1], gone) end
for i = 3, #KEYS do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[i], g)
  for _, consumer in ipairs(consumers) do
    if is_gone(consumer[2]) then reap(KEYS[i], ARGV[i + 1], consumer[2]) end
  end
end
return left > 0 and 0 or 1
