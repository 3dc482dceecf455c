-- Shares what is new in the topics out to the shards, and fetches from the shards that the member owns.
-- KEYS: owners, the hash of the group, the streams of the topics. ARGV: the group, the member, how many shards there are, how many
-- entries to share out, how many a shard may hold, how many to fetch from each, how many topics, the topics, the owned shards.
-- Returns 1 if there may be more to share out at once, the last id of each topic's stream, then for each owned shard
-- its number, its last id and the entries.
local g, me, shards, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local bound, fetch, topics = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

-- FNV-1a, 64 bits in four limbs of 16: times 2^40 + 435.
local function shard_of(key)
  local a, b, c, d = 0x2325, 0x8422, 0x9ce4, 0xcbf2
  for i = 1, #key do
    a = bit.bxor(a, string.byte(key, i))
    local w, x = a * 435, b * 435
    local y, z = c * 435 + (a * 256) % 65536, d * 435 + math.floor(a / 256) + (b * 256) % 65536
    x = x + math.floor(w / 65536)
    y = y + math.floor(x / 65536)
    z = z + math.floor(y / 65536)
    a, b, c, d = w % 65536, x % 65536, y % 65536, z % 65536
  end
  return (((((d * 65536 + c) % shards) * 65536 + b) % shards) * 65536 + a) % shards
end

local function last_id(stream)
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- The key of a foreign program that writes it among the other attributes.
local function foreign_key(attributes)
  if not string.find(attributes, '"partitionkey"', 1, true) then return end
  local readable, object = pcall(cjson.decode, attributes)
  if not readable or type(object) ~= 'table' then return end
  local kind = type(object.partitionkey)
  if kind == 'string' or kind == 'number' or kind == 'boolean' then return tostring(object.partitionkey) end
end

--HAS_ID--
local function share_out(topic, entry)
  local id, fields = entry[1], entry[2]
  local key, has_topic, known
  for i = 1, #fields, 2 do
    if fields[i] == 'partitionkey' then key = fields[i + 1]
    elseif fields[i] == 'ce' then key = foreign_key(fields[i + 1]) or key
    elseif fields[i] == 'comms-topic' then has_topic = true end
    known = known or has_id(fields[i], fields[i + 1])
  end
  local shard
  if key then
    shard = shard_of(key)
  else
    local ms, seq = string.match(id, '(%d+)-(%d+)')
    shard = (ms % shards + seq % shards) % shards
  end
  if not has_topic then
    fields[#fields + 1] = 'comms-topic'
    fields[#fields + 1] = topic
  end
  if not known then
    fields[#fields + 1] = 'comms-origin'
    fields[#fields + 1] = topic .. '/' .. id
  end
  redis.call('XADD', KEYS[2] .. ':shard:' .. string.format('%d', shard), '*', unpack(fields))
end

local room = true
for i = 0, shards - 1 do
  if redis.call('XLEN', KEYS[2] .. ':shard:' .. i) >= bound then room = false end
end
local more, ids = 0, {}
for i = 1, topics do
  local stream, topic = KEYS[2 + i], ARGV[7 + i]
  if room then
    local read = redis.call('XREADGROUP', 'GROUP', g, 'share-out', 'COUNT', most, 'NOACK', 'STREAMS', stream, '>')
    if read then
      local entries = read[1][2]
      for _, entry in ipairs(entries) do share_out(topic, entry) end
      if #entries == most then more = 1 end
    end
  end
  ids[i] = last_id(stream)
end
local answer = {more, ids}
for i = 8 + topics, #ARGV do
  local stream = KEYS[2] .. ':shard:' .. ARGV[i]
  if redis.call('HGET', KEYS[1], ARGV[i]) == me then
    local entries = {}
    if fetch > 0 then
      local read = redis.call('XREADGROUP', 'GROUP', g, me, 'COUNT', fetch, 'STREAMS', stream, '>')
      if read then entries = read[1][2] end
    end
    answer[#answer + 1] = {tonumber(ARGV[i]), last_id(stream), entries}
  end
end
return answer
