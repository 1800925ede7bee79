-- Removes a deleted job for good.
-- KEYS    see lib.lua.
-- ARGV[1] member; removable: the only state in which it may go.
-- Returns the state it was in, nil where there is no such job.
local job = load(arg.member)
if not job then return nil end
local state = tonumber(job.old.s)
if state ~= arg.removable then return state end
local set = lane(job.old.s, job.old.p, job.old.e)
call('UNLINK', JOB .. arg.member, LARGE .. arg.member)
call('ZREM', SET .. set, arg.member)
call('ZREM', SET .. 's' .. string.match(arg.member, '^%d+') .. '.' .. set, arg.member)
each_tag(job.old.t, 'ZREM', job.old.s, arg.member)
if job.old.U then call('HDEL', UNIQUE, job.old.U) end
call('ZREM', DUE, arg.member)
return state
