-- Adds jobs in order.
-- KEYS    see lib.lua.
-- ARGV[1] now; request: nil or {fingerprint, ttl}; names: fields of COUNTERS that the jobs
--         may need (the counters, and per spider `s:NAME`, `l:NAME`, per tag `t:NAME`); jobs: {spider, state, passed, priority, running_units, actor, unique or
--         nil, holds, lease or nil, tags, sum or nil: the counter that its bytes go to,
--         bytes, core, large}, the last two flat lists of fields and
--         values.
-- Returns a packed list: per job `SPIDER/JOB`, '' for a duplicate, the number of a limit; '' for
--         a reused request.
local before = kept()
if before then return before end

local have, dirty = {}, { pos = true }
local values = call('HMGET', COUNTERS, unpack(arg.names))
for i, name in ipairs(arg.names) do
  have[name] = values[i]
end

local function raise(name, to)
  have[name] = to
  dirty[name] = true
  return to
end

local function number(name, counter)
  if have[name] then return int(have[name]), false end
  return int(raise(name, raise(counter, (have[counter] or 0) + 1))), true
end

local events, caps = {}, nil

-- What does not allow a job to begin running.
local function limited(job)
  if job.running_units == 0 then return nil end
  caps = caps or limits()
  if caps.running and call('ZCARD', SET .. 'r') >= caps.running then return RUNNING_LIMIT end
  local spider = have['s:' .. job.spider]
  local most = spider and spider_limit(int(spider))
  if most and call('ZCARD', SET .. 's' .. int(spider) .. '.r') >= most then return SPIDER_LIMIT end
  if caps.units and (have.units or 0) + job.running_units > caps.units then return UNITS_LIMIT end
  return nil
end

-- Fields come first: where Redis refuses to take more, nothing was done.
local function add(job)
  local spider, new = number('s:' .. job.spider, 'spiders')
  local last = 'l:' .. job.spider
  local member = spider .. '/' .. int(raise(last, (have[last] or 0) + 1))
  local position = math.max((have.pos or 0) + 1, arg.now * 2048)
  local entry = int(position) .. ' ' .. job.actor
  local core, n = job.core, #job.core
  core[n + 1], core[n + 2], core[n + 3], core[n + 4] = 'o', int(position), int(job.state), entry
  for _, state in ipairs(job.passed) do
    core[#core + 1] = int(state)
    core[#core + 1] = entry
  end
  hset(JOB .. member, core)
  hset(LARGE .. member, job.large)
  if new then call('HSET', SPIDERS, spider, job.spider) end
  have.pos, position = position, int(position)
  local set = lane(job.state, job.priority)
  call('ZADD', SET .. set, position, member)
  call('ZADD', SET .. 's' .. spider .. '.' .. set, position, member)
  local tagged = '.' .. letter(job.state)
  for _, tag in ipairs(job.tags) do
    call('ZADD', SET .. 't' .. number('t:' .. tag, 'tags') .. tagged, position, member)
  end
  if job.sum then raise(job.sum, (have[job.sum] or 0) + job.bytes) end
  if job.running_units > 0 then raise('units', (have.units or 0) + job.running_units) end
  if job.holds then call('HSET', UNIQUE, job.unique, member) end
  if job.lease then call('ZADD', DUE, int(job.lease), member) end
  events[#events + 1] = { member, '', int(job.state), 0 }
  return member
end

local replies, added = {}, false
for i, job in ipairs(arg.jobs) do
  if job.unique and call('HEXISTS', UNIQUE, job.unique) == 1 then
    replies[i] = ''
  else
    replies[i] = limited(job)
    if not replies[i] then
      replies[i] = add(job)
      added = true
    end
  end
end
if added then
  local flat = {}
  for name in pairs(dirty) do
    flat[#flat + 1] = name
    flat[#flat + 1] = int(have[name])
  end
  hset(COUNTERS, flat)
  keep_events(events)
end
return answer(replies)
