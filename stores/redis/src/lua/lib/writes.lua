-- Writing what effects.lua planned: fields first, because Redis out of memory refuses those and
-- then nothing was done; then the sorted sets, the unique key and what is due.
-- needs: event_log, jobs, many, metadata_bytes, names, notify, numbers, tag_sets
local writes = {}
local call = redis.call

local function fields(key, new)
  local set, del = {}, {}
  for field, value in pairs(new) do
    if value then
      set[#set + 1], set[#set + 2] = field, value
    else
      del[#del + 1] = field
    end
  end
  many.set_fields(key, set)
  many.delete_fields(key, del)
end

local function move(member, old, new)
  local from, to = names.lane(old.s, old.p, old.e), names.lane(new.s, new.p, new.e)
  local spider = names.spider_of(member)
  if from ~= to then
    call('ZREM', names.set(from), member)
    call('ZREM', names.set(names.of_spider(spider, from)), member)
  end
  if from ~= to or old.o ~= new.o then
    call('ZADD', names.set(to), new.o, member)
    call('ZADD', names.set(names.of_spider(spider, to)), new.o, member)
  end
  tag_sets.move(member, old, new)
end

-- A job that was postponed stays so until its lease is renewed or given up.
local function move_due(member, old, new)
  local before, after = jobs.due_at(old), jobs.due_at(new)
  if before and not after then call('ZREM', names.due, member) end
  if not after then return end
  local is_renewed = rawget(new, 'l') ~= nil
  if before and not is_renewed then
    if before == after then return end
    local stored = tonumber(call('ZSCORE', names.due, member) or nil)
    if stored and stored > before then return end
  end
  call('ZADD', names.due, numbers.int(after), member)
end

local function write(job)
  local member, old, new = job.member, job.old, job.new
  fields(names.job(member), new)
  fields(names.large(member), job.large)
  move(member, old, new)
  if old.U and not new.U then call('HDEL', names.unique, old.U) end
  move_due(member, old, new)
end

-- Writes planned jobs, and notifies: also where there is no event, but a pending job
-- may have become one that somebody waits for.
function writes.all(plan, planned_jobs)
  local counters, tally, is_wanted = names.counters, plan.tally, false
  for _, job in ipairs(planned_jobs) do
    local old, new = job.old, job.new
    is_wanted = is_wanted or new.s == '0' and (old.p ~= new.p or old.t ~= new.t or old.u ~= new.u)
    write(job)
  end
  if plan.position > plan.stored_position then call('HSET', counters, 'last_position', numbers.int(plan.position)) end
  if tally.units ~= tally.stored_units then call('HSET', counters, 'running_units', numbers.int(tally.units)) end
  metadata_bytes.write(plan.sums)
  event_log.add(plan.events)
  if #plan.events == 0 and (is_wanted or tally.units < tally.stored_units) then notify.publish() end
end

return writes
