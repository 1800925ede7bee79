-- Removes a deleted job for good.
-- KEYS    see names.lua.
-- ARGV[1] member; removable: the only state in which it may go.
-- Returns packed 'missing', 'purged' or {refused = state}.
-- needs: event_log, jobs, metadata_bytes, removal
local arg = cmsgpack.unpack(ARGV[1])
local job = jobs.load(arg.member)
if not job then return cmsgpack.pack('missing') end
local state = tonumber(job.old.s)
if state ~= arg.removable then return cmsgpack.pack({ refused = state }) end
local sums = {}
removal.remove(job, sums)
metadata_bytes.write(sums)
event_log.add({ event_log.purged(arg.member, job.old.s) })
return cmsgpack.pack('purged')
