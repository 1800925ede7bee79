-- How many entries the sets of a filter have within bounds.
-- KEYS    see names.lua.
-- ARGV[1] a query of list_query.lua.
-- Returns packed the sum.
-- needs: list_query
local query = cmsgpack.unpack(ARGV[1])
local sum = 0
list_query.each_set(query, function(set)
  sum = sum + redis.call('ZCOUNT', set, query.from, query['until'])
end)
return cmsgpack.pack(sum)
