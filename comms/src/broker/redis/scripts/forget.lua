-- Ends an ephemeral group that has no member left. KEYS: all groups, members, the hash of the group, the streams of all topics.
-- ARGV: the group, who leaves ('' for nobody), how many shards.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) > 0 then return 0 end
for i = 4, #KEYS do redis.pcall('XGROUP', 'DESTROY', KEYS[i], ARGV[1]) end
for _, rest in ipairs({':again', ':delayed', ':dead', ':members', ':owners', ':handled'}) do redis.call('DEL', KEYS[3] .. rest) end
for i = 0, tonumber(redis.call('HGET', KEYS[3], 'shards') or '0') - 1 do redis.call('DEL', KEYS[3] .. ':shard:' .. i) end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[1], ARGV[1])
return 1
