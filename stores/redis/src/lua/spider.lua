-- The number of a spider, a new one if it has none.
-- KEYS    see lib.lua.
-- ARGV[1] name.
-- Returns the number as text.
local field = 's:' .. arg.name
local number = call('HGET', COUNTERS, field)
if number then return number end
number = int(call('HINCRBY', COUNTERS, 'spiders', 1))
call('HSET', COUNTERS, field, number)
call('HSET', SPIDERS, number, arg.name)
return number
