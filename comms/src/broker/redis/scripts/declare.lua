-- Declares a group: its place in the streams of its topics, and what is its own.
-- KEYS: the hash of the group, all groups, all topics. ARGV: the group, its shards (0: unordered), where a new one
-- begins, how many topics the caller knows (-1: does not matter), the prefix, then the topics.
local g, shards, from, seen, prefix = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local known = redis.call('HGET', KEYS[1], 'shards')
if known and known ~= shards then return {'differs', known} end
-- A topic that came up meanwhile would count as one that is newer than the group.
if not known and seen >= 0 and redis.call('ZCARD', KEYS[3]) ~= seen then return {'again'} end
local function create(stream, at)
  local made = redis.pcall('XGROUP', 'CREATE', stream, g, at, 'MKSTREAM')
  if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
end
for i = 6, #ARGV do
  redis.call('ZADD', KEYS[3], 'NX', redis.call('ZCARD', KEYS[3]), ARGV[i])
  local failed = create(prefix .. ':topic:' .. ARGV[i], known and '0' or from)
  if failed then return failed end
end
if shards == '0' then
  local failed = create(KEYS[1] .. ':again', '0')
  if failed then return failed end
end
for i = 0, tonumber(shards) - 1 do
  local failed = create(KEYS[1] .. ':shard:' .. i, '0')
  if failed then return failed end
end
redis.call('HSET', KEYS[1], 'shards', shards)
redis.call('SADD', KEYS[2], g)
return {'ok'}
