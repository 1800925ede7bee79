-- Holds a job against the unique keys and the index of what is due.
-- needs: findings, jobs, names, numbers, records
local job_values = {}
local call, ask = redis.call, findings.ask

function job_values.unique(report, job)
  if not job.U then return end
  local member, key = job.member, job.U
  local holder = ask('HGET', names.unique, key)
  local function drop()
    if holder == member then call('HDEL', names.unique, key) end
    call('HDEL', names.job(member), 'U')
  end
  if tonumber(job.s) > 1 then return findings.add(report, member, 'is done and holds a unique key', drop) end
  if holder == member then return end
  local other = holder and records.read(holder)
  if other and other.U == key and tonumber(other.s) < 2 then
    return findings.add(report, member, 'has the unique key that ' .. holder .. ' holds', drop)
  end
  findings.add(report, member, 'does not hold its unique key', function()
    call('HSET', names.unique, key, member)
  end)
end

-- A job that was postponed stands later in the index than it is due: up to `latest`.
function job_values.due(report, job, latest)
  local due = jobs.due_at(job)
  if not due then return end
  local stored = tonumber(ask('ZSCORE', names.due, job.member) or nil)
  if stored and stored >= due and stored <= math.max(due, latest) then return end
  local text = 'is not in the index of what is due'
  if stored then
    text = 'is at ' .. numbers.int(stored) .. ' in the index of what is due, not at ' .. numbers.int(due)
  end
  findings.add(report, job.member, text, function()
    call('ZADD', names.due, numbers.int(due), job.member)
  end)
end

return job_values
