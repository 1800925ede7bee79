-- Removes jobs of a state for good, the lowest position first, while there are too many.
-- KEYS    see lib.lua.
-- ARGV[1] state; from: lowest position to keep, or nil; jobs: most to keep, or nil; bytes: most
--         bytes of metadata to keep, or nil; limit.
-- Returns how many went.
local state = int(arg.state)
local set = SET .. letter(state)
local left = call('ZCARD', set)
local bytes = tonumber(call('HGET', COUNTERS, SUMS[state]) or 0)
local oldest = call('ZRANGE', set, 0, arg.limit - 1, 'WITHSCORES')
local gone = 0
for i = 1, #oldest, 2 do
  local member, position = oldest[i], tonumber(oldest[i + 1])
  local over = arg.from and position < arg.from or arg.jobs and left > arg.jobs
    or arg.bytes and bytes + (sums[SUMS[state]] or 0) > arg.bytes
  if not over then break end
  local job = load(member)
  if job and job.old.s == state then
    remove(job)
  else
    -- A name that means nothing here must not keep the others from going.
    call('ZREM', set, member)
  end
  left, gone = left - 1, gone + 1
end
write_sums()
return gone
