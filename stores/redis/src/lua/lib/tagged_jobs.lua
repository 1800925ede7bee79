-- The pending jobs of a few tags.
-- needs: names
local tagged_jobs = {}
local call = redis.call

local function set_of(tag) return names.set(names.of_tag(tag, names.letter(0))) end

function tagged_jobs.count(tags)
  local count = 0
  for _, tag in ipairs(tags) do
    count = count + call('ZCARD', set_of(tag))
  end
  return count
end

-- Members in the order in which claims take them. Reads each job: for few jobs only.
function tagged_jobs.in_order(tags)
  local list, seen = {}, {}
  for _, tag in ipairs(tags) do
    for _, member in ipairs(call('ZRANGE', set_of(tag), 0, -1)) do
      if not seen[member] then
        seen[member] = true
        local values = call('HMGET', names.job(member), 'p', 'e', 'o')
        local priority, front, position = tonumber(values[1]), values[2] and 1 or 0, tonumber(values[3])
        list[#list + 1] = { member = member, priority = priority, front = front, position = position }
      end
    end
  end
  table.sort(list, function(one, other)
    if one.priority ~= other.priority then return one.priority > other.priority end
    if one.front ~= other.front then return one.front > other.front end
    return one.position < other.position
  end)
  for i, job in ipairs(list) do
    list[i] = job.member
  end
  return list
end

return tagged_jobs
