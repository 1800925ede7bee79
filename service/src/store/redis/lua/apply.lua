-- Loading jobs, planning effects on them in memory, and writing what came of it; the second
-- half of lib.lua, tags.lua and size.lua for the scripts that change jobs. A plan writes nothing.

local STATE_FIELDS =
  { 's', 'o', 'p', 'u', 'a', 'f', 'l', 't', 'U', '1', 'b', 'm:stop_requested' }

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

-- Why the job may not become so, as an outcome of change.lua; nothing is planned then.
local TOO_MANY_TAGS, TOO_LARGE = 4, 7

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
    new.b = int(bytes)
  end
  if tags then new.t = count > 0 and tags end
  if effect.release then new.U, new.f, new.l = false, false, false end
  if effect.enter then
    last = math.max(last + 1, arg.now * 2048)
    new.s, new.o = int(effect.enter.state), int(last)
    new[new.s] = int(last) .. ' ' .. effect.enter.actor
  end
  if effect.start then
    new.a, new.f = int((new.a or 0) + 1), effect.start.fence
    new.l = effect.start.lease and int(effect.start.lease) or false
  end
  if effect.lease then new.l = int(effect.lease) end
  overlay(new, effect.set, effect.del)
  overlay(job.large, effect.large_set, effect.large_del)
  new.w = int(arg.now)
end
