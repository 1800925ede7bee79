-- Whether a change's holder holds the job.
-- needs: nothing
local holders = {}

-- `change`: nothing, or one of fence, attempt, started_by; expired, overdue: an attempt. `job`: its
-- fields. Returns why the change is refused, as a word; nil where it is not.
function holders.refusal(change, job, now)
  local running = job.s == '1'
  if change.started_by then
    local actor = string.match(job['1'] or '', '^%d+ (.*)$')
    return not (running and actor == change.started_by) and 'not_held' or nil
  end
  local attempt, holds = tonumber(job.a or 0), true
  if change.fence or change.attempt then
    holds = not change.fence or change.fence == job.f
    if change.attempt then holds = change.attempt == attempt end
    holds = holds and (not job.l or tonumber(job.l) > now)
  elseif change.expired or change.overdue then
    local ends = change.expired and job.l or change.overdue and job.k
    holds = ends and tonumber(ends) <= now and attempt == (change.expired or change.overdue)
  else
    return nil
  end
  return not (running and holds) and 'stale' or nil
end

return holders
