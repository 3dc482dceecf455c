-- Prolongs the lease of a member, and shares the shards out among those alive.
-- KEYS: members, owners. ARGV: the member, its lease in ms, the number of shards, 1 for one that joins.
-- Returns 0 for a member whose lease has run out; else how many shards it has too many, and which it has.
local me, shards = ARGV[1], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[4] ~= '1' and not redis.call('ZSCORE', KEYS[1], me) then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), me)
if shards == 0 then return {0} end
local live = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(live)
local alive, share = {}, 0
for rank, member in ipairs(live) do
  alive[member] = true
  if member == me then
    share = math.floor(shards / #live) + ((rank <= shards % #live) and 1 or 0)
  end
end
local mine, free = {}, {}
for shard = 0, shards - 1 do
  local owner = redis.call('HGET', KEYS[2], shard)
  if owner == me then
    mine[#mine + 1] = shard
  elseif not owner or not alive[owner] then
    free[#free + 1] = shard
  end
end
for _, shard in ipairs(free) do
  if #mine < share then
    redis.call('HSET', KEYS[2], shard, me)
    mine[#mine + 1] = shard
  end
end
return {#mine - share, unpack(mine)}
