-- Job records as a check reads them, and the sorted sets in which the jobs must stand.
-- needs: findings, names, tag_list
local records = {}
local ask = findings.ask

local FIELDS = { 's', 'o', 'p', 'e', 't', 'n', 'l', 'k', 'U', 'z' }

local function is_between(text, from, to)
  local number = type(text) == 'string' and string.find(text, '^%d+$') and tonumber(text)
  return number and number >= from and number <= to
end

-- The job with its member, or nil and whether there is a record that cannot be read.
function records.read(member)
  local values = ask('HMGET', names.job(member), unpack(FIELDS))
  if not values then return nil, true end
  local job = { member = member }
  for i, field in ipairs(FIELDS) do
    job[field] = values[i]
  end
  if job.n and is_between(job.s, 0, 3) and is_between(job.o, 0, 2 ^ 53) and is_between(job.p, 0, 4) then
    return job
  end
  return nil, redis.call('EXISTS', names.job(member)) == 1
end

-- Calls `visit` with the name of each set in which the job must stand.
function records.each_set(job, visit)
  local lane = names.lane(job.s, job.p, job.e)
  visit(lane)
  visit(names.of_spider(names.spider_of(job.member), lane))
  for tag in tag_list.each(job.t) do
    local number = ask('HGET', names.counters, names.tag_number(tag))
    if number then visit(names.of_tag(number, names.letter(job.s))) end
  end
end

function records.belongs(job, set)
  local found = false
  records.each_set(job, function(one)
    found = found or one == set
  end)
  return found
end

return records
