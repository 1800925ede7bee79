-- The top of each set of a filter, in one atomic step.
-- KEYS    see lib.lua.
-- ARGV[1] see sets.lua; window: how many in all may be read, share: the most of one set.
-- Returns packed {share, lists}: per set that is not empty, its members and positions, highest
--         first. A list of `share` entries may go on below.
local sets = {}
each_set(function(key)
  sets[#sets + 1] = key
end)
local share = math.max(1, math.min(arg.share, math.ceil(arg.window / math.max(1, #sets))))
local lists = {}
for _, key in ipairs(sets) do
  local list = call('ZREVRANGEBYSCORE', key, arg['until'], arg.from, 'WITHSCORES', 'LIMIT', 0, share)
  if #list > 0 then lists[#lists + 1] = list end
end
return cmsgpack.pack({ share, lists })
