-- Puts another copy somewhere and settles the original, unless it is no longer the member's.
-- KEYS: the stream, owners, where the copy goes, where a delayed one comes again. ARGV: the group, the member, the shard
-- ('' in an unordered one), 1 if the stream is the group's own, the id, the delay in ms (-1: none), a name for the copy,
-- then its fields (none: it goes nowhere).
local g, id, delay = ARGV[1], ARGV[5], tonumber(ARGV[6])
if ARGV[3] ~= '' and redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[2] then return 0 end
if redis.call('XACK', KEYS[1], g, id) == 0 then return 0 end
if ARGV[4] == '1' then redis.call('XDEL', KEYS[1], id) end
if #ARGV == 7 then return 1 end
if delay < 0 then
  redis.call('XADD', KEYS[3], '*', unpack(ARGV, 8))
else
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.ceil(time[2] / 1000) + delay
  local fields = {}
  for i = 8, #ARGV do fields[#fields + 1] = ARGV[i] end
  redis.call('ZADD', KEYS[3], string.format('%.0f', due), cmsgpack.pack({ARGV[7], KEYS[4], fields}))
end
return 1
