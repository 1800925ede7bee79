-- Loading jobs, planning effects on them in memory, and writing what came of it; the second
-- half of lib.lua, tags.lua, size.lua and done.lua for the scripts that change jobs. A plan writes nothing.

local STATE_FIELDS =
  { 's', 'o', 'p', 'u', 'a', 'f', 'l', 't', 'U', '1', 'b', 'e', 'k', 'z', 'm:stop_requested' }

-- A job as {member, old, new, large}: `new` reads through to `old`, and holds just what
-- changed (false: removed). nil where there is none.
local function load(member)
  local values = call('HMGET', JOB .. member, unpack(STATE_FIELDS))
  if not values[1] then return nil end
  local old = {}
  for i, field in ipairs(STATE_FIELDS) do
    old[field] = values[i]
  end
  return { member = member, old = old, new = setmetatable({}, { __index = old }), large = {} }
end

-- The project's last position, and the units of its running jobs: as found, and as planned.
local found = call('HMGET', COUNTERS, 'pos', 'units')
local first_last, first_units = tonumber(found[1] or 0), tonumber(found[2] or 0)
local last, units = first_last, first_units

-- Events of what is planned.
local events = {}

-- Jobs of a spider, or '' of all, that run: as found, with how many more are planned.
local running, more = {}, {}
local function runs(spider)
  running[spider] = running[spider] or call('ZCARD', SET .. (spider ~= '' and 's' .. spider .. '.' or '') .. 'r')
  return running[spider] + (more[spider] or 0)
end

-- Why the job may not become so, as an outcome of change.lua; nothing is planned then.
local TOO_MANY_TAGS, TOO_LARGE, AT_LIMIT = 4, 7, 8

-- Units of the running jobs that a job has and will have; and whether it is one of them.
local function weight(job, effect)
  local new = job.new
  local was, is = new.s == '1', effect.enter and effect.enter.state == 1
  if not effect.enter then is = was end
  return was and tonumber(new.u) or 0, is and (effect.units or tonumber(new.u)) or 0, was, is
end

-- What does not allow the effect, as a number of lib.lua.
local caps
local function limited(job, effect)
  local before, after, was, is = weight(job, effect)
  if not is or was and after <= before then return nil end
  caps = caps or limits()
  if not was then
    if caps.running and runs('') >= caps.running then return RUNNING_LIMIT end
    local spider = string.match(job.member, '^%d+')
    local most = spider_limit(spider)
    if most and runs(spider) >= most then return SPIDER_LIMIT end
  end
  if caps.units and units + after - before > caps.units then return UNITS_LIMIT end
  return nil
end

-- Counts the job where it will run, no more where it will not.
local function weigh(job, effect)
  local before, after, was, is = weight(job, effect)
  units = units + after - before
  if was == is then return end
  local spider = string.match(job.member, '^%d+')
  for _, of in ipairs({ '', spider }) do
    more[of] = (more[of] or 0) + (is and 1 or -1)
  end
end

-- The entry into a state: its place, and in front or not.
local function enter(job, to, front)
  local new = job.new
  last = math.max(last + 1, arg.now * 2048)
  for later = to.state + 1, tonumber(new.s) do
    new[int(later)] = false
  end
  events[#events + 1] = { job.member, new.s, int(to.state), 0 }
  new.s, new.o = int(to.state), int(last)
  new.e = to.state == 0 and front and '1'
  new[new.s] = int(last) .. ' ' .. to.actor
end

local function plan(job, effect)
  local new = job.new
  local tags, count, bytes
  if effect.tags then
    tags, count = edited(new.t or '', effect.tags)
    if count > arg.max_tags then return TOO_MANY_TAGS end
  end
  if effect.bytes > 0 then
    bytes = measured(job, effect)
    if not bytes then return TOO_LARGE end
  end
  local limit = limited(job, effect)
  if limit then return AT_LIMIT + limit end
  weigh(job, effect)
  add_bytes(new, -1)
  if bytes then new.b = int(bytes) end
  if tags then new.t = count > 0 and tags end
  if effect.release then
    new.f, new.l, new.k = false, false, false
    if not (effect.enter and effect.enter.state == 0) then new.U = false end
  end
  if effect.enter then enter(job, effect.enter, effect.front) end
  if effect.start then
    new.a, new.f = int((new.a or 0) + 1), effect.start.fence
    new.l = effect.start.lease and int(effect.start.lease) or false
  end
  if effect.lease then new.l = int(effect.lease) end
  if effect.stop_by and new.s == '1' and not new.k then new.k = int(effect.stop_by) end
  local asked = new['m:stop_requested'] == 'true'
  local size = resized(job, effect)
  overlay(new, effect.set, effect.del)
  if new.s == '1' and not (asked or effect.enter) and new['m:stop_requested'] == 'true' then
    events[#events + 1] = { job.member, new.s, new.s, 1 }
  end
  overlay(job.large, effect.large_set, effect.large_del)
  resize(job, size)
  add_bytes(new, 1)
  new.w = int(arg.now)
end
