-- Counts the bytes of jobs that ended before they were counted, a part a call.
-- KEYS    see lib.lua.
-- ARGV[1] state; limit; most: bytes that may be read before the rest waits for another call.
-- Returns 1 when all are counted, else 0.
local state = int(arg.state)
local mark = 'c' .. letter(state)
local from = call('HGET', COUNTERS, mark) or '-inf'
if from == 'all' then return 1 end
local members =
  call('ZRANGEBYSCORE', SET .. letter(state), from, '+inf', 'WITHSCORES', 'LIMIT', 0, arg.limit)
local read, on = 0, #members == 2 * arg.limit
for i = 1, #members, 2 do
  if read > arg.most then
    on = true
    break
  end
  local job = load(members[i])
  if job and job.old.s == state and not job.old.z then
    resize(job)
    call('HSET', JOB .. job.member, 'z', job.new.z)
    add_bytes(job.new, 1)
    read = read + job.new.z
  end
  from = '(' .. members[i + 1]
end
write_sums()
call('HSET', COUNTERS, mark, on and from or 'all')
return on and 0 or 1
