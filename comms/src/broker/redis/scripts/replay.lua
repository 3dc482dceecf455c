-- Sends a dead letter back. KEYS: the dead letters, where it goes. ARGV: its id, the fields of the copy.
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 1
