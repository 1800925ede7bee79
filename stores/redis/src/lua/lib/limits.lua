-- What may run in a project, and what does: as stored, and as this script plans it.
-- needs: names, numbers
local limits = {}
local call = redis.call

-- What the settings allow; nil allows any number.
function limits.of_project()
  local values = call('HMGET', names.settings, 'max_running', 'max_running_units')
  return { jobs = numbers.whole(values[1]), units = numbers.whole(values[2]) }
end

function limits.of_spider(spider)
  return numbers.whole(call('HGET', names.counters, names.max_running(spider)))
end

-- A tally of the running jobs, which have so many units in all.
function limits.tally(units)
  units = tonumber(units or 0)
  return { stored_units = units, units = units, stored = {}, planned = {} }
end

-- Jobs of a sorted set of running jobs, with those that are planned to be in it. The set must
-- not have been written to before the first question.
local function jobs_in(tally, set)
  tally.stored[set] = tally.stored[set] or call('ZCARD', names.set(set))
  return tally.stored[set] + (tally.planned[set] or 0)
end

-- The limit that does not allow a job of the spider (nil: a new one) to go from `before` to
-- `after` units, as a word of outcome.rs. nil for units: it does not run.
function limits.refusal(tally, spider, before, after)
  if not after or before and after <= before then return nil end
  tally.project = tally.project or limits.of_project()
  local project = tally.project
  local starts = not before
  if starts and project.jobs and jobs_in(tally, names.running) >= project.jobs then return 'max_running' end
  if project.units and tally.units + after - (before or 0) > project.units then return 'max_running_units' end
  local most = starts and spider and limits.of_spider(spider)
  if most and jobs_in(tally, names.of_spider(spider, names.running)) >= most then return 'spider_max_running' end
  return nil
end

-- Counts a job of the spider that goes from `before` to `after` units.
function limits.count(tally, spider, before, after)
  tally.units = tally.units + (after or 0) - (before or 0)
  local by = (after and 1 or 0) - (before and 1 or 0)
  if by == 0 then return end
  for _, set in ipairs({ names.running, names.of_spider(spider, names.running) }) do
    tally.planned[set] = (tally.planned[set] or 0) + by
  end
end

return limits
