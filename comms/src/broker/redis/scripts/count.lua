-- Counts entries, up to a thousand. KEYS: the stream. ARGV: behind which id, up to which.
-- Returns how many, and the last one.
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[2], 'COUNT', 1000)
if #entries == 0 then return {0, ARGV[1]} end
return {#entries, entries[#entries][1]}
