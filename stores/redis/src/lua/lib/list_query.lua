-- The sorted sets that a filter reads: per state, per spider and state, or per tag and state.
-- needs: names
local list_query = {}

local function each_owner(fields, name_of, query, visit)
  for _, number in ipairs(redis.call('HMGET', names.counters, unpack(fields))) do
    for _, lane in ipairs(number and query.lanes or {}) do
      visit(names.set(name_of(number, lane)))
    end
  end
end

-- `query`: {spiders or tags: fields of the counters hash with their numbers, or neither for all
-- jobs; lanes: names of lanes, for tags letters of states; from, until: bounds of positions as
-- Redis writes them}.
function list_query.each_set(query, visit)
  if query.tags then return each_owner(query.tags, names.of_tag, query, visit) end
  if query.spiders then return each_owner(query.spiders, names.of_spider, query, visit) end
  for _, lane in ipairs(query.lanes) do
    visit(names.set(lane))
  end
end

return list_query
