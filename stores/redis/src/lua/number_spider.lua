-- The number of a spider, a new one if it has none.
-- KEYS    see names.lua.
-- ARGV[1] name.
-- Returns packed the number as text.
-- needs: counters, names
local arg = cmsgpack.unpack(ARGV[1])
local field = names.spider_number(arg.name)
local cache = counters.read({ field, 'last_spider' })
local number, is_new = counters.number(cache, field, 'last_spider')
if is_new then
  counters.write(cache)
  redis.call('HSET', names.spiders, number, arg.name)
end
return cmsgpack.pack(number)
