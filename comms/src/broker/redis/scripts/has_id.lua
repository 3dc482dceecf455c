-- Whether a field says which message it is. Of attributes that comms did not write itself nobody knows: one more field does no harm.
local function has_id(name, value)
  return name == 'id' or name == 'comms-origin' or name == 'ce' and string.sub(value, 1, 27) == '{"specversion":"1.0","id":"'
end
