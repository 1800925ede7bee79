-- Holds the index of what is due, and the unique keys, against the jobs.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; due: members of DUE; unique: fields of UNIQUE.
-- Returns packed findings.
for _, member in ipairs(arg.due) do
  if ask('ZSCORE', DUE, member) then
    local job, unreadable = record(member)
    local gone = not job and not unreadable and ', and there is no such job'
    local wrong = gone or job and not ends(job) and ', and nothing is due of it'
    if wrong then
      found(member, 'is in the index of what is due' .. wrong, function()
        call('ZREM', DUE, member)
      end)
    end
  end
end
for _, key in ipairs(arg.unique) do
  local holder = ask('HGET', UNIQUE, key)
  if holder then
    local job, unreadable = record(holder)
    local holds = job and job.U == key and tonumber(job.s) < 2
    if not holds and not unreadable then
      found(holder, 'is named as holder of a unique key that it does not hold', function()
        call('HDEL', UNIQUE, key)
      end)
    end
  end
end
return reply()
