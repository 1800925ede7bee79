-- The pending job that a claim takes.
-- needs: claim_filter, lanes, names, tagged_jobs
local next_job = {}
local call = redis.call

-- Most entries that one call looks at; another call goes on from there.
local MAX_ENTRIES = 1000
-- Most jobs of the wanted tags that are sorted by themselves, instead of looking through lanes.
local MAX_SORTED = 300

-- The first of `members` that is taken, and whether this is the end of the search.
local function first_of(filter, members)
  for _, member in ipairs(members) do
    local verdict = claim_filter.verdict(filter, member)
    if verdict ~= 'pass' then return verdict == 'take' and member or nil, true end
  end
  return nil, false
end

local function by_lane(filter, from)
  local order = names.claim_order()
  local owners = lanes.owners(filter)
  local at, position, is_apart = 1, '-inf', false
  if from then
    at, position = from[1], from[2]
  end
  -- The first entry is mostly the one; the steps grow where it is not.
  local looked, step = 0, 1
  while at <= #order and #owners > 0 do
    local members, on = lanes.part(order[at], owners, position, math.max(step, #owners))
    local member, ended = first_of(filter, members)
    if ended then return member, nil end
    looked = looked + #members + 1
    if #members > 0 then step = math.min(10 * step, MAX_ENTRIES) end
    position = on or '-inf'
    if not on then at = at + 1 end
    if on and step >= 100 and not is_apart then
      is_apart = true
      owners = lanes.without_blocked(filter) or owners
    end
    if looked >= MAX_ENTRIES and at <= #order then return nil, { at, position } end
  end
  return nil, nil
end

-- The member, or nil and {lane, position} to go on `from` in another call; nil and nil: there is none.
function next_job.find(filter, from)
  local project = filter.project
  if project.jobs and call('ZCARD', names.set(names.running)) >= project.jobs then return nil, nil end
  if project.units and filter.running_units >= project.units then return nil, nil end
  if not filter.any_tag and tagged_jobs.count(filter.has_tags) <= MAX_SORTED then
    return (first_of(filter, tagged_jobs.in_order(filter.has_tags))), nil
  end
  return by_lane(filter, from)
end

return next_job
