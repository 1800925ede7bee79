-- Moves what is due of a job to later, if anything is; one that does not run has nothing due.
-- KEYS    see lib.lua.
-- ARGV[1] member; until_ms.
if call('HGET', JOB .. arg.member, 's') == '1' then
  call('ZADD', DUE, 'XX', 'GT', int(arg.until_ms), arg.member)
else
  call('ZREM', DUE, arg.member)
end
return 1
