-- The sorted sets that a filter reads: per state, per spider and state, or per tag and state.
-- needs: names
local job_sets = {}

local function of_owners(fields, name_of, lanes)
  local sets = {}
  for _, number in ipairs(redis.call('HMGET', names.counters, unpack(fields))) do
    for _, lane in ipairs(number and lanes or {}) do
      sets[#sets + 1] = { key = names.set(name_of(number, lane)), letter = names.letter_of(lane) }
    end
  end
  return sets
end

-- `sets`: {spiders or tags: fields of the counters hash with their numbers, or neither for all
-- jobs; lanes: names of lanes, for tags letters of states}. The result has the key of each set and
-- the letter of its state.
function job_sets.of(sets)
  if sets.tags then return of_owners(sets.tags, names.of_tag, sets.lanes) end
  if sets.spiders then return of_owners(sets.spiders, names.of_spider, sets.lanes) end
  local all = {}
  for i, lane in ipairs(sets.lanes) do
    all[i] = { key = names.set(lane), letter = names.letter_of(lane) }
  end
  return all
end

return job_sets
