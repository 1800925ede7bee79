-- Holds the index of what is due, and the unique keys, against the jobs.
-- KEYS    see names.lua.
-- ARGV[1] repair; due: members of the index; unique: fields of the unique keys' hash.
-- Returns packed findings.
-- needs: findings, jobs, names, records
local arg = cmsgpack.unpack(ARGV[1])
local call, ask = redis.call, findings.ask
local report = findings.new_report(arg.repair)
for _, member in ipairs(arg.due) do
  if ask('ZSCORE', names.due, member) then
    local job, unreadable = records.read(member)
    local wrong = not job and not unreadable and ', and there is no such job'
      or job and not jobs.due_at(job) and ', and nothing is due of it'
    if wrong then
      findings.add(report, member, 'is in the index of what is due' .. wrong, function()
        call('ZREM', names.due, member)
      end)
    end
  end
end
for _, key in ipairs(arg.unique) do
  local holder = ask('HGET', names.unique, key)
  if holder then
    local job, unreadable = records.read(holder)
    local holds = job and job.U == key and tonumber(job.s) < 2
    if not holds and not unreadable then
      local text = 'is named as holder of a unique key that it does not hold'
      findings.add(report, holder, text, function()
        call('HDEL', names.unique, key)
      end)
    end
  end
end
return cmsgpack.pack(report.list)
