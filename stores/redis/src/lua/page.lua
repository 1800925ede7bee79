-- The top of each set of a filter, in one atomic step.
-- KEYS    see names.lua.
-- ARGV[1] a query of list_query.lua; window: how many in all may be read, share: the most of one set.
-- Returns packed {share, lists}: per set that is not empty, its members and positions, highest
--         first. A list of `share` entries may go on below.
-- needs: list_query
local query = cmsgpack.unpack(ARGV[1])
local sets = {}
list_query.each_set(query, function(set)
  sets[#sets + 1] = set
end)
local share = math.max(1, math.min(query.share, math.ceil(query.window / math.max(1, #sets))))
local lists = {}
for _, set in ipairs(sets) do
  local from, to = query.from, query['until']
  local list = redis.call('ZREVRANGEBYSCORE', set, to, from, 'WITHSCORES', 'LIMIT', 0, share)
  if #list > 0 then lists[#lists + 1] = list end
end
return cmsgpack.pack({ share, lists })
