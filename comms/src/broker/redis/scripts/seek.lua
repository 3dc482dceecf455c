-- Makes a group read on elsewhere. What it has outside of the topics is dropped: it is behind the position, or comes from the topic again.
-- KEYS: the hash of the group, members, what is delayed, all topics, the streams of the topics. ARGV: the group, the id to read behind,
-- how many topics the caller knows (-1: does not matter), the only topic that is meant ('' for all), the topics.
local g, behind, seen, only = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local shards = redis.call('HGET', KEYS[1], 'shards')
if not shards then return {'missing'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local members = redis.call('ZCARD', KEYS[2])
if members > 0 then return {'members', members} end
-- A topic that came up meanwhile would be read from its beginning.
if seen >= 0 and redis.call('ZCARD', KEYS[4]) ~= seen then return {'again'} end

local function is_meant(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'comms-topic' then return fields[i + 1] == only end
  end
end

-- The group begins anew there: what it held is no longer pending.
local function place(stream, at)
  redis.pcall('XGROUP', 'DESTROY', stream, g)
  return redis.call('XGROUP', 'CREATE', stream, g, at, 'MKSTREAM')
end

local function clear(stream)
  if only == '' then
    redis.call('DEL', stream)
    return place(stream, '0')
  end
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
    if is_meant(entry[2]) then
      redis.call('XACK', stream, g, entry[1])
      redis.call('XDEL', stream, entry[1])
    end
  end
end

-- What was handled before is to be handled again.
redis.call('DEL', KEYS[1] .. ':handled')
if shards == '0' then clear(KEYS[1] .. ':again') end
for i = 0, tonumber(shards) - 1 do clear(KEYS[1] .. ':shard:' .. i) end
if only == '' then
  redis.call('DEL', KEYS[3])
else
  for _, packed in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if is_meant(cmsgpack.unpack(packed)[3]) then redis.call('ZREM', KEYS[3], packed) end
  end
end
for i = 5, #KEYS do
  if only == '' or ARGV[i] == only then place(KEYS[i], behind) end
end
return {'ok'}
