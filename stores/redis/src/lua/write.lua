-- Writing planned jobs (apply.lua): fields first, because Redis out of memory refuses those
-- and then nothing was done; then the sorted sets, the unique key and what is due.

local function fields(key, new)
  local set, del = {}, {}
  for field, value in pairs(new) do
    if value then
      set[#set + 1], set[#set + 2] = field, value
    else
      del[#del + 1] = field
    end
  end
  hset(key, set)
  hdel(key, del)
end

local function tag_number(name)
  local number = call('HGET', COUNTERS, 't:' .. name)
  if not number then
    number = call('HINCRBY', COUNTERS, 'tags', 1)
    call('HSET', COUNTERS, 't:' .. name, number)
  end
  return number
end

local function each_tag(tags, command, state, ...)
  for tag in string.gmatch(tags or '', '[^\n]+') do
    call(command, SET .. 't' .. tag_number(tag) .. '.' .. letter(state), ...)
  end
end

local function move(member, old, new)
  local from, to = lane(old.s, old.p, old.e), lane(new.s, new.p, new.e)
  local spider = SET .. 's' .. string.match(member, '^%d+') .. '.'
  if from ~= to then
    call('ZREM', SET .. from, member)
    call('ZREM', spider .. from, member)
  end
  if from ~= to or old.o ~= new.o then
    call('ZADD', SET .. to, new.o, member)
    call('ZADD', spider .. to, new.o, member)
  end
  if old.s ~= new.s or old.o ~= new.o or old.t ~= new.t then
    each_tag(old.t, 'ZREM', old.s, member)
    each_tag(new.t, 'ZADD', new.s, new.o, member)
  end
end

-- When something is due of a running job: its lease ends, or its time to stop does.
local function due(job)
  local lease, stop = tonumber(job.l), tonumber(job.k)
  if job.s ~= '1' or not (lease or stop) then return nil end
  return math.min(lease or stop, stop or lease)
end

-- Whether a pending job changed in what somebody may wait for.
local stirred = false

local function write(job)
  local member, old, new = job.member, job.old, job.new
  if new.s == '0' and (old.p ~= new.p or old.t ~= new.t or old.u ~= new.u) then stirred = true end
  fields(JOB .. member, new)
  fields(LARGE .. member, job.large)
  move(member, old, new)
  if old.U and not new.U then call('HDEL', UNIQUE, old.U) end
  local before, after = due(old), due(new)
  if before and not after then call('ZREM', DUE, member) end
  if after and before ~= after then call('ZADD', DUE, int(after), member) end
end

local function write_all(jobs)
  for _, job in ipairs(jobs) do
    write(job)
  end
  if last > first_last then call('HSET', COUNTERS, 'pos', int(last)) end
  if units ~= first_units then call('HSET', COUNTERS, 'units', int(units)) end
  write_sums()
  keep_events(events)
  if #events == 0 and (stirred or units < first_units) then pulse() end
end
