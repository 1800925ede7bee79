-- Removes jobs of a state for good, the lowest position first, while there are too many.
-- KEYS    see names.lua.
-- ARGV[1] state; from: lowest position to keep, or nil; jobs: most to keep, or nil; bytes: most
--         bytes of metadata to keep, or nil; limit: most jobs to remove.
-- Returns packed how many went, and the members of those that were jobs.
-- needs: event_log, jobs, metadata_bytes, names, numbers, removal
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
local state = numbers.int(arg.state)
local set, field = names.set(names.letter(state)), names.bytes_in(state)
local left = call('ZCARD', set)
local bytes = tonumber(call('HGET', names.counters, field) or 0)
local oldest = call('ZRANGE', set, 0, arg.limit - 1, 'WITHSCORES')
local sums, gone, events, members = { [field] = 0 }, 0, {}, {}
for i = 1, #oldest, 2 do
  local member, position = oldest[i], tonumber(oldest[i + 1])
  local over = arg.from and position < arg.from or arg.jobs and left > arg.jobs
    or arg.bytes and bytes + sums[field] > arg.bytes
  if not over then break end
  local job = jobs.load(member)
  if job and job.old.s == state then
    removal.remove(job, sums)
    events[#events + 1] = event_log.purged(member, state)
    members[#members + 1] = member
  else
    -- A member without such a job must not keep the others from going.
    call('ZREM', set, member)
  end
  left, gone = left - 1, gone + 1
end
metadata_bytes.write(sums)
event_log.add(events)
return cmsgpack.pack({ gone, members })
