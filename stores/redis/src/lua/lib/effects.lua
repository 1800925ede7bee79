-- Planning effects on jobs: decides in memory what writes.lua then writes, so that a change that
-- is refused has done nothing. The plan is what a script knows of the project meanwhile.
-- needs: limits, metadata_bytes, names, numbers, planned_fields, tag_list
local effects = {}
local call = redis.call

function effects.new_plan(now, max_tags)
  local stored = call('HMGET', names.counters, 'last_position', 'running_units')
  local position = tonumber(stored[1] or 0)
  return {
    now = now,
    max_tags = max_tags,
    stored_position = position,
    position = position,
    tally = limits.tally(stored[2]),
    events = {},
    sums = {},
  }
end

-- Units of the running jobs that a job has before and after an effect; nil: it does not run.
local function units_of(job, effect)
  local running = job.new.s == '1'
  local will_run = running
  if effect.enter then will_run = effect.enter.state == 1 end
  local units = tonumber(job.new.u)
  return running and units or nil, will_run and (effect.units or units) or nil
end

-- Plans the effect; if it is refused, nothing is planned, and the answer is why.
function effects.apply(plan, job, effect)
  local new, tags, tag_count = job.new, nil, nil
  if effect.tags then
    tags, tag_count = tag_list.edited(new.t, effect.tags)
    if tag_count > plan.max_tags then return 'too_many_tags' end
  end
  local bytes = metadata_bytes.after(job, effect)
  if effect.max_bytes and bytes > effect.max_bytes then return 'too_large' end
  local spider, before, after = names.spider_of(job.member), units_of(job, effect)
  local limit = limits.refusal(plan.tally, spider, before, after)
  if limit then return { at_limit = limit } end
  limits.count(plan.tally, spider, before, after)
  metadata_bytes.count(plan.sums, new, -1)
  if tags then new.t = tag_count > 0 and tags end
  planned_fields.write(plan, job, effect)
  -- No two writes of a job have the same time.
  new.z, new.w = numbers.int(bytes), numbers.int(math.max(plan.now, tonumber(new.w) + 1))
  metadata_bytes.count(plan.sums, new, 1)
  return nil
end

return effects
