-- Brings back what is due. KEYS: what is delayed. Returns in how many ms the next is due; -1 when none waits.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)
for _, packed in ipairs(due) do
  local copy = cmsgpack.unpack(packed)
  redis.call('XADD', copy[2], '*', unpack(copy[3]))
  redis.call('ZREM', KEYS[1], packed)
end
if #due == 100 then return 0 end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not first[2] then return -1 end
return math.max(1, tonumber(first[2]) - now)
