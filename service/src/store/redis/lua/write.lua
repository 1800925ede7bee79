-- Writing planned jobs (apply.lua): fields first, because Redis out of memory refuses those
-- and then nothing was done; then the sorted sets, the unique key and the lease.

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

local function each_tag(tags, command, letter, ...)
  for tag in string.gmatch(tags or '', '[^\n]+') do
    call(command, SET .. 't' .. tag_number(tag) .. '.' .. letter, ...)
  end
end

local function move(member, old, new)
  local from, to = lane(old.s, old.p), lane(new.s, new.p)
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
    each_tag(old.t, 'ZREM', string.sub(from, 1, 1), member)
    each_tag(new.t, 'ZADD', string.sub(to, 1, 1), new.o, member)
  end
end

-- What a job adds to the units of the running ones.
local function running_units(job)
  return job.s == '1' and tonumber(job.u) or 0
end

local function write(job)
  local member, old, new = job.member, job.old, job.new
  units = units + running_units(new) - running_units(old)
  fields(JOB .. member, new)
  fields(LARGE .. member, job.large)
  move(member, old, new)
  if old.U and not new.U then call('HDEL', UNIQUE, old.U) end
  if old.l and not new.l then call('ZREM', LEASES, member) end
  if new.l and old.l ~= new.l then call('ZADD', LEASES, new.l, member) end
end

local function write_all(jobs)
  for _, job in ipairs(jobs) do
    write(job)
  end
  if last > first_last then call('HSET', COUNTERS, 'pos', int(last)) end
  if units ~= first_units then call('HSET', COUNTERS, 'units', int(units)) end
end
