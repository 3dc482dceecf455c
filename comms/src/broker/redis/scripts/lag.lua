-- How far a group is behind, at one moment.
-- KEYS: the hash of the group, what is delayed, the streams of its topics. ARGV: the group.
-- Returns nothing if there is no such group; else how many are delayed, then for each topic, and for each stream of the group's own
-- (that of what comes again, or the shards), how many nobody has (-1: to be counted), how many are held, where the group stands, and
-- the stream's last id.
local g, shards = ARGV[1], redis.call('HGET', KEYS[1], 'shards')
if not shards then return false end

local function properties(list)
  local named = {}
  for i = 1, #list, 2 do named[list[i]] = list[i + 1] end
  return named
end

local function before(a, b)
  local function parse(id) return string.match(id, '(%d+)-(%d+)') end
  local ms, seq = parse(a)
  local other_ms, other_seq = parse(b)
  if ms ~= other_ms then return tonumber(ms) < tonumber(other_ms) end
  return #seq < #other_seq or (#seq == #other_seq and seq < other_seq)
end

-- The server's own count is wrong, or missing, when entries behind the group's place were deleted.
local function waiting(whole, group)
  local place, first = group['last-delivered-id'], whole['first-entry']
  if not first or not before(place, whole['last-generated-id']) then return 0 end
  if before(place, first[1]) then return whole['length'] end
  if before(place, whole['max-deleted-entry-id']) then return -1 end
  return group['lag'] or -1
end

local function standing(stream)
  if redis.call('EXISTS', stream) == 0 then return {0, 0, '0-0', '0-0'} end
  local whole = properties(redis.call('XINFO', 'STREAM', stream))
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = properties(info)
    if group['name'] == g then
      return {waiting(whole, group), group['pending'], group['last-delivered-id'], whole['last-generated-id']}
    end
  end
  -- A topic that came up while no member was there: it is read from its beginning.
  return {whole['length'], 0, '0-0', whole['last-generated-id']}
end

local answer = {redis.call('ZCARD', KEYS[2])}
for i = 3, #KEYS do answer[#answer + 1] = standing(KEYS[i]) end
if shards == '0' then answer[#answer + 1] = standing(KEYS[1] .. ':again') end
for i = 0, tonumber(shards) - 1 do answer[#answer + 1] = standing(KEYS[1] .. ':shard:' .. i) end
return answer
