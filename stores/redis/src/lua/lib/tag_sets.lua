-- The sorted sets of a job's tags.
-- needs: names, tag_list
local tag_sets = {}
local call = redis.call

local function tag_number(tag)
  local counters, field = names.counters, names.tag_number(tag)
  local number = call('HGET', counters, field)
  if number then return number end
  number = call('HINCRBY', counters, 'last_tag', 1)
  call('HSET', counters, field, number)
  return number
end

-- Runs a command on the set of each of the job's tags.
function tag_sets.each(command, job, ...)
  for tag in tag_list.each(job.t) do
    call(command, names.set(names.of_tag(tag_number(tag), names.letter(job.s))), ...)
  end
end

return tag_sets
