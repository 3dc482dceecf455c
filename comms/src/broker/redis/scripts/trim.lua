-- Removes the oldest entries of a topic, up to a hundred: not those that a group has not settled, nor the newest that
-- are kept for replays. KEYS: the stream. ARGV: how many are kept. Returns how many were removed.
local extra = redis.call('XLEN', KEYS[1]) - ARGV[1]
if extra <= 0 then return 0 end
local function parse(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return {tonumber(ms), tonumber(seq)}
end
local function before(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end
local needed
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  local low
  if group['pending'] > 0 then
    low = parse(redis.call('XPENDING', KEYS[1], group['name'])[2])
  else
    low = parse(group['last-delivered-id'])
    low[2] = low[2] + 1
  end
  if not needed or before(low, needed) then needed = low end
end
local ids = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(extra, 100))) do
  if needed and not before(parse(entry[1]), needed) then break end
  ids[#ids + 1] = entry[1]
end
if #ids == 0 then return 0 end
return redis.call('XDEL', KEYS[1], unpack(ids))
