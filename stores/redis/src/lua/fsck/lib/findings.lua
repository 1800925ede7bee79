-- What a check found. A report is {repair: whether to mend, list of {member or '' for the project,
-- text, whether it was mended}}.
-- needs: nothing
local findings = {}

function findings.new_report(repair) return { repair = repair, list = {} } end

-- `mend` answers false where it could do nothing; without one there is nothing to be done.
function findings.add(report, subject, text, mend)
  local repaired = report.repair and mend ~= nil and mend() ~= false
  report.list[#report.list + 1] = { subject, text, repaired }
end

-- A command's reply. A key of the wrong type is a finding of its own; what it should hold is then
-- not there.
function findings.ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return false end
  return reply
end

-- Raises a field of the counters hash that is below `least`.
function findings.raise(report, counters, field, least, text)
  local stored = tonumber(findings.ask('HGET', counters, field) or nil) or 0
  if stored >= (tonumber(least) or 0) then return end
  findings.add(report, '', text, function() redis.call('HSET', counters, field, least) end)
end

return findings
