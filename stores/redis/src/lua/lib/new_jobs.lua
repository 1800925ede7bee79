-- Adding a job, for push.lua. A `push` is {now, max_tags, counters: a cache, position: the last one
-- given, events, tally: nil before the first job that begins running}.
-- needs: counters, hashes, limits, names, numbers, tag_list
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
  core[n + 1], core[n + 2], core[n + 3], core[n + 4] = 'o', position, numbers.int(job.state), entry
  for _, state in ipairs(job.passed) do
    core[#core + 1], core[#core + 2] = numbers.int(state), entry
  end
  if tags ~= '' then core[#core + 1], core[#core + 2] = 't', tags end
  return core
end

local function index_tags(push, letter, member, position, tags)
  for tag in tag_list.each(tags) do
    local number = counters.number(push.counters, names.tag_number(tag), 'last_tag')
    call('ZADD', names.set(names.of_tag(number, letter)), position, member)
  end
end

local function index(push, job, member, spider, position, tags)
  local lane, letter = names.lane(job.state, job.priority), names.letter(job.state)
  call('ZADD', names.set(lane), position, member)
  call('ZADD', names.set(names.of_spider(spider, lane)), position, member)
  if tags ~= '' then index_tags(push, letter, member, position, tags) end
  if job.holds then call('HSET', names.unique, job.unique, member) end
  if job.lease then call('ZADD', names.due, numbers.int(job.lease), member) end
end

-- {added = {member, position, time, tags: one a line}}, or why the job is refused: {duplicate = member of the job that holds its unique
-- key}, 'too_many_tags' or {at_limit = word}.
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
  hashes.set(names.job(member), complete(job, position, tags))
  hashes.set(names.large(member), job.large)
  if is_new then call('HSET', names.spiders, spider, job.spider) end
  index(push, job, member, spider, position, tags)
  if job.bytes_field then counters.add(cache, job.bytes_field, job.bytes) end
  if job.running_units then
    counters.add(cache, 'running_units', job.running_units)
    limits.count(push.tally, spider, nil, job.running_units)
  end
  push.events[#push.events + 1] = { member, '', numbers.int(job.state), 0 }
  return { added = { member, position, numbers.int(push.now), tags } }
end

return new_jobs
