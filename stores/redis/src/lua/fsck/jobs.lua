-- Holds jobs against the sets, numbers and keys that must name them.
-- KEYS    see names.lua.
-- ARGV[1] repair; members; latest: the latest time that the index of what is due may give; max_bytes:
--         after so many of metadata the rest is left to another call; pointed_at: see job_metadata.lua.
-- Returns packed {how many were checked, findings, larger metadata of more than ASCII: list of
--         {member, field, value}, which the caller is to read}.
-- needs: findings, job_checks, job_metadata, job_values, records
local arg = cmsgpack.unpack(ARGV[1])
local report = findings.new_report(arg.repair)
local checked, bytes, unread = 0, 0, {}
for _, member in ipairs(arg.members) do
  if bytes > arg.max_bytes then break end
  checked = checked + 1
  local job = records.read(member)
  if job then
    job_checks.numbers(report, job)
    job_checks.tags(report, job)
    job_checks.sets(report, job)
    job_values.unique(report, job)
    job_values.due(report, job, arg.latest)
    bytes = bytes + job_metadata.check(report, job, unread, arg.pointed_at)
  end
end
return cmsgpack.pack({ checked, report.list, unread })
