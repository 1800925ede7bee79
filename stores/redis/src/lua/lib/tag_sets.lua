-- The sorted sets of a job's tags.
-- needs: names, tag_list
local tag_sets = {}
local call = redis.call

-- Numbers of tags that this script has met.
local known = {}

local function tag_number(tag)
  local counters, field = names.counters, names.tag_number(tag)
  local number = known[tag] or call('HGET', counters, field)
  if not number then
    number = call('HINCRBY', counters, 'last_tag', 1)
    call('HSET', counters, field, number)
  end
  known[tag] = number
  return number
end

local function set(tag, job) return names.set(names.of_tag(tag_number(tag), names.letter(job.s))) end

-- Moves a job in the sets of its tags, out of those before and into those after a change.
function tag_sets.move(member, old, new)
  local is_elsewhere, is_moved = old.s ~= new.s, old.s ~= new.s or old.o ~= new.o
  if not is_moved and old.t == new.t then return end
  local before, after = tag_list.set(old.t), tag_list.set(new.t)
  for tag in tag_list.each(old.t) do
    if is_elsewhere or not after[tag] then call('ZREM', set(tag, old), member) end
  end
  for tag in tag_list.each(new.t) do
    if is_moved or not before[tag] then call('ZADD', set(tag, new), new.o, member) end
  end
end

function tag_sets.remove(member, job)
  for tag in tag_list.each(job.t) do call('ZREM', set(tag, job), member) end
end

return tag_sets
