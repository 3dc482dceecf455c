-- Gives a shard up. What was fetched and never handed out does not count as delivered.
-- KEYS: the shard's stream, owners. ARGV: the group, the member, the shard, then pairs of an id and how often it was
-- delivered before.
local g, me = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[2], ARGV[3]) ~= me then return 0 end
for i = 4, #ARGV, 2 do
  redis.call('XCLAIM', KEYS[1], g, me, 0, ARGV[i], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
end
redis.call('HDEL', KEYS[2], ARGV[3])
return 1
