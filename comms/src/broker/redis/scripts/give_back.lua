--HAS_ID--
local function give_back(stream, topic, id, deliveries)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  -- Settled, or given back by somebody else.
  if redis.call('XACK', stream, g, id) == 0 or not entry then return end
  local fields, kept, count, has_topic, known = entry[2], {}, 0, false, false
  for i = 1, #fields, 2 do
    local name = fields[i]
    if name == 'comms-redelivered' then
      count = tonumber(fields[i + 1]) or 0
    else
      kept[#kept + 1] = name
      kept[#kept + 1] = fields[i + 1]
      has_topic = has_topic or name == 'comms-topic'
      known = known or has_id(name, fields[i + 1])
    end
  end
  if not has_topic then
    kept[#kept + 1] = 'comms-topic'
    kept[#kept + 1] = topic
  end
  if not known then
    kept[#kept + 1] = 'comms-origin'
    kept[#kept + 1] = topic .. '/' .. id
  end
  if count + deliveries > 0 then
    kept[#kept + 1] = 'comms-redelivered'
    kept[#kept + 1] = string.format('%d', count + deliveries)
  end
  redis.call('XADD', KEYS[2], '*', unpack(kept))
  if topic == '' then redis.call('XDEL', stream, id) end
end
