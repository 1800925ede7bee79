-- Reading pending lanes of a project, or of several of its spiders as if they were one. An owner is
-- a function from the name of a lane to that of the owner's own.
-- needs: claim_filter, names, numbers
local lanes = {}
local call = redis.call

-- Most spiders whose own lanes are read apart.
local MAX_SPIDERS_APART = 300

local function of_project(lane) return lane end

local function of_spiders(filter, spiders)
  local owners = {}
  for _, spider in ipairs(spiders) do
    if claim_filter.may_run(filter, spider) then
      owners[#owners + 1] = function(lane) return names.of_spider(spider, lane) end
    end
  end
  return owners
end

function lanes.owners(filter)
  return filter.any_spider and { of_project } or of_spiders(filter, filter.spiders)
end

-- The spiders that may run one more, where jobs of others are in the way of theirs; nil where
-- there are no others, or too many spiders.
function lanes.without_blocked(filter)
  local last = tonumber(call('HGET', names.counters, 'last_spider') or 0)
  if not filter.any_spider or last > MAX_SPIDERS_APART then return nil end
  local spiders, is_any_blocked = {}, false
  for number = 1, last do
    spiders[number] = numbers.int(number)
  end
  for _, verdict in pairs(filter.verdicts) do
    is_any_blocked = is_any_blocked or not verdict
  end
  return is_any_blocked and of_spiders(filter, spiders) or nil
end

-- Up to `most` members of a lane from `position` on, lowest first, over all owners; and the
-- position to go on from, nil at the lane's end.
function lanes.part(lane, owners, position, most)
  local entries, horizon = {}, nil
  local share = math.max(1, math.floor(most / #owners))
  for _, owner in ipairs(owners) do
    local set = names.set(owner(lane))
    local list = call('ZRANGEBYSCORE', set, position, '+inf', 'WITHSCORES', 'LIMIT', 0, share)
    for i = 1, #list, 2 do
      entries[#entries + 1] = { list[i], tonumber(list[i + 1]) }
    end
    if #list == 2 * share then
      local reached = tonumber(list[#list])
      horizon = math.min(horizon or reached, reached)
    end
  end
  table.sort(entries, function(one, other) return one[2] < other[2] end)
  local members = {}
  for _, entry in ipairs(entries) do
    -- Behind the end of a part that is cut off, others of its owner may come first.
    if horizon and entry[2] > horizon then break end
    members[#members + 1] = entry[1]
  end
  return members, horizon and '(' .. numbers.int(horizon)
end

return lanes
