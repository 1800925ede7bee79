-- The fields of a job's record after an effect, and its events; in memory, for effects.lua.
-- needs: numbers
local planned_fields = {}

local function overlay(fields, set, del)
  for i = 1, #set, 2 do
    fields[set[i]] = set[i + 1]
  end
  for _, field in ipairs(del) do
    fields[field] = false
  end
end

-- With `restore` a job goes back to the entry into the state that it has, if it has one.
local function enter(plan, job, effect)
  local to, new = effect.enter, job.new
  local state = numbers.int(to.state)
  local entry = effect.restore and new[state]
  if not entry then
    plan.position = numbers.position_after(plan.position, plan.now)
    entry = numbers.int(plan.position) .. ' ' .. to.actor
  end
  for later = to.state + 1, tonumber(new.s) do
    new[numbers.int(later)] = false
  end
  plan.events[#plan.events + 1] = { job.member, new.s, state, 0 }
  new.s, new.o, new[state] = state, string.match(entry, '^%d+'), entry
  new.e = to.state == 0 and effect.front and '1'
end

-- When the lease ends after a heartbeat: `StoredJob::renewed_lease` of core/src/effect.rs.
local function renewed_lease(plan, new, lease)
  local was_overtaken = tonumber(new.w) > plan.now
  return was_overtaken and new.l and math.max(tonumber(new.l), lease) or lease
end

function planned_fields.write(plan, job, effect)
  local new = job.new
  if effect.release then
    new.f, new.l, new.k = false, false, false
    if not (effect.enter and effect.enter.state == 0) then new.U = false end
  end
  if effect.enter then enter(plan, job, effect) end
  if effect.start then
    new.a, new.f = numbers.int((new.a or 0) + 1), effect.start.fence
    new.l = effect.start.lease and numbers.int(effect.start.lease) or false
  end
  if effect.lease then new.l = numbers.int(renewed_lease(plan, new, effect.lease)) end
  if effect.stop_by and new.s == '1' and not new.k then new.k = numbers.int(effect.stop_by) end
  local stopped = new['m:stop_requested'] == 'true'
  overlay(new, effect.set, effect.del)
  overlay(job.large, effect.large_set, effect.large_del)
  -- An entry into running is an event of its own; then a wish to stop needs none.
  if new.s == '1' and not (stopped or effect.enter) and new['m:stop_requested'] == 'true' then
    plan.events[#plan.events + 1] = { job.member, new.s, new.s, 1 }
  end
end

return planned_fields
