-- Adding jobs, for push.lua: `new_jobs.add` for each, then `new_jobs.finish`.
-- needs: counters, event_log, limits, many, names, new_entries, numbers, tag_list
local new_jobs = {}
local call = redis.call

local function refused_for(push, job, tag_count)
  local holder = job.unique and call('HGET', names.unique, job.unique)
  if holder then return { duplicate = holder } end
  if tag_count > push.max_tags then return 'too_many_tags' end
  if not job.running_units then return nil end
  push.tally = push.tally or limits.tally(counters.get(push.counters, 'running_units'))
  local spider = counters.get(push.counters, names.spider_number(job.spider))
  local limit = limits.refusal(push.tally, spider and numbers.int(spider), nil, job.running_units)
  return limit and { at_limit = limit }
end

-- The job's tags as text, and how many they are: those of its spider come first.
local function tags_of(push, job)
  if not job.spider_tags then return table.concat(job.tags, '\n'), #job.tags end
  local spider = counters.get(push.counters, names.spider_number(job.spider))
  local own = spider and call('HGET', names.spider_tags, numbers.int(spider))
  return tag_list.edited(own, { remove = {}, add = job.tags })
end

-- The record's fields that are known only here, behind those that the caller gave.
local function complete(job, position, tags)
  local core, n = job.core, #job.core
  local entry = position .. ' ' .. job.actor
  core[n + 1], core[n + 2], core[n + 3], core[n + 4] = 'o', position, job.state, entry
  for _, state in ipairs(job.passed) do
    core[#core + 1], core[#core + 2] = state, entry
  end
  if tags ~= '' then core[#core + 1], core[#core + 2] = 't', tags end
  return core
end

-- `counters`: a cache that has been read.
function new_jobs.push(now, max_tags, cache)
  local push = { now = now, time = numbers.int(now), max_tags = max_tags, counters = cache, entries = {}, events = {} }
  push.position = counters.get(cache, 'last_position') or 0
  return push
end

-- {added = {member, position, time, tags: one a line}}, or why the job is refused: {duplicate =
-- member of the job that holds its unique key}, 'too_many_tags' or {at_limit = word}.
function new_jobs.add(push, job)
  local tags, tag_count = tags_of(push, job)
  local refusal = refused_for(push, job, tag_count)
  if refusal then return refusal end
  local cache = push.counters
  local spider, is_new = counters.number(cache, names.spider_number(job.spider), 'last_spider')
  local member = spider .. '/' .. numbers.int(counters.add(cache, names.last_job(job.spider), 1))
  push.position = numbers.position_after(push.position, push.now)
  local position = numbers.int(push.position)
  -- Fields come first: where Redis refuses to take more, nothing was done.
  many.set_fields(names.job(member), complete(job, position, tags))
  many.set_fields(names.large(member), job.large)
  if is_new then call('HSET', names.spiders, spider, job.spider) end
  new_entries.add(push, job, member, spider, position, tags)
  if job.holds then call('HSET', names.unique, job.unique, member) end
  if job.lease then call('ZADD', names.due, numbers.int(job.lease), member) end
  if job.bytes_field then counters.add(cache, job.bytes_field, job.bytes) end
  if job.running_units then
    counters.add(cache, 'running_units', job.running_units)
    limits.count(push.tally, spider, nil, job.running_units)
  end
  push.events[#push.events + 1] = { member, '', job.state, 0 }
  return { added = { member, position, push.time, tags } }
end

-- Writes what all added jobs have in common.
function new_jobs.finish(push)
  if #push.events == 0 then return end
  new_entries.write(push.entries)
  counters.set(push.counters, 'last_position', push.position)
  counters.write(push.counters)
  event_log.add(push.events)
end

return new_jobs
