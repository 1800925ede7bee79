-- Moves what is due of a job to later, if anything is; one that does not run has nothing due.
-- KEYS    see names.lua.
-- ARGV[1] member; until_ms.
-- Returns packed 'applied'.
-- needs: names, numbers
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
if call('HGET', names.job(arg.member), 's') == '1' then
  call('ZADD', names.due, 'XX', 'GT', numbers.int(arg.until_ms), arg.member)
else
  call('ZREM', names.due, arg.member)
end
return cmsgpack.pack('applied')
