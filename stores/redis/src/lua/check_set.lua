-- Holds members of a sorted set of jobs against the jobs.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; set: its name after SET; members.
-- Returns packed findings.
local key = SET .. arg.set
for _, member in ipairs(arg.members) do
  if ask('ZSCORE', key, member) then
    local job, unreadable = record(member)
    local wrong
    if job then
      wrong = not belongs(job, arg.set) and 'is in z:' .. arg.set .. ', where it does not belong'
    elseif not unreadable then
      wrong = 'is in z:' .. arg.set .. ', and there is no such job'
    end
    if wrong then
      found(member, wrong, function()
        call('ZREM', key, member)
      end)
    end
  end
end
return reply()
