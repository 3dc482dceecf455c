-- Takes settled entries off a stream that is the group's own.
-- KEYS: the stream, owners. ARGV: the group, the member, the shard ('' in an unordered one), the ids.
if ARGV[3] ~= '' and redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[2] then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 4))
redis.call('XDEL', KEYS[1], unpack(ARGV, 4))
return 1
