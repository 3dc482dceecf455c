-- Sends entries back that were not handled, for any member.
-- KEYS: the stream, the stream of what comes again. ARGV: the group, the topic ('' where entries say it themselves), the ids.
local g = ARGV[1]
--GIVE_BACK--
for i = 3, #ARGV do give_back(KEYS[1], ARGV[2], ARGV[i], 0) end
return 1
