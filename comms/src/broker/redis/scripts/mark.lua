-- Remembers that a message was handled. KEYS: what was handled, by when. ARGV: its id, for how many ms, how many ids at most.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(ARGV[3] + 1))
-- A user may lack the right: then the ids stay until others come.
redis.pcall('PEXPIRE', KEYS[1], ARGV[2] + 1)
return 1
