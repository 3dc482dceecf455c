-- Whether a message was handled. KEYS: what was handled, by when. ARGV: its id, for how many ms that is remembered.
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return now - at <= tonumber(ARGV[2]) and 1 or 0
