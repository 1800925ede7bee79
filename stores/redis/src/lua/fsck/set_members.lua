-- Holds members of a sorted set of jobs against the jobs.
-- KEYS    see names.lua.
-- ARGV[1] repair; set: its name; members.
-- Returns packed findings.
-- needs: findings, names, records
local arg = cmsgpack.unpack(ARGV[1])
local report = findings.new_report(arg.repair)
local key = names.set(arg.set)
for _, member in ipairs(arg.members) do
  if findings.ask('ZSCORE', key, member) then
    local job, unreadable = records.read(member)
    local wrong = job and not records.belongs(job, arg.set) and ', where it does not belong'
      or not job and not unreadable and ', and there is no such job'
    if wrong then
      findings.add(report, member, 'is in z:' .. arg.set .. wrong, function()
        redis.call('ZREM', key, member)
      end)
    end
  end
end
return cmsgpack.pack(report.list)
