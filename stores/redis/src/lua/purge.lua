-- Removes a deleted job for good.
-- KEYS    see lib.lua.
-- ARGV[1] member; removable: the only state in which it may go.
-- Returns the state it was in, nil where there is no such job.
local job = load(arg.member)
if not job then return nil end
local state = tonumber(job.old.s)
if state ~= arg.removable then return state end
remove(job)
write_sums()
return state
