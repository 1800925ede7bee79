-- How many entries the sets of a filter have within bounds.
-- KEYS    see lib.lua.
-- ARGV[1] see sets.lua.
-- Returns the sum.
local sum = 0
each_set(function(key)
  sum = sum + call('ZCOUNT', key, arg.from, arg['until'])
end)
return sum
