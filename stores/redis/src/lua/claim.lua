-- Takes the job that wanted.lua finds, and applies an effect.
-- KEYS    see lib.lua.
-- ARGV[1] now; max_tags; uncounted; request; effect; and see wanted.lua.
-- Returns packed {member, core, large}, the last two flat lists of fields and values after
--         the claim; nil when there is none; {lane, position} to go on from in another call; ''
--         for a reused request.
local before = kept()
if before then return before end

local member, on = wanted()
if on then return { int(on[1]), on[2] } end
if not member then return nil end

local job = load(member)
if plan(job, arg.effect) then return redis.error_reply('ERR the claim is refused') end
write_all({ job })
return answer({ member, call('HGETALL', JOB .. member), call('HGETALL', LARGE .. member) })
