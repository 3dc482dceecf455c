-- Takes over what earlier owners of a shard left unsettled.
-- KEYS: the shard's stream, owners. ARGV: the group, the member, the shard, behind which id, how many.
-- Returns the last id that was looked at, then for each entry its id, how often it was delivered, and its fields.
local g, me = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[2], ARGV[3]) ~= me then return {''} end
local pending = redis.call('XPENDING', KEYS[1], g, ARGV[4], '+', ARGV[5])
if #pending == 0 then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], g)) do
    if consumer[2] ~= me and consumer[4] == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], g, consumer[2]) end
  end
  return {''}
end
local ids, counts = {}, {}
for i, p in ipairs(pending) do
  ids[i] = p[1]
  counts[p[1]] = p[4]
end
local taken = {ids[#ids]}
for _, entry in ipairs(redis.call('XCLAIM', KEYS[1], g, me, 0, unpack(ids))) do
  if entry and entry[1] then taken[#taken + 1] = {entry[1], counts[entry[1]], entry[2]} end
end
return taken
