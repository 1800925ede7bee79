-- Sets how many jobs of a spider may run at a time.
-- KEYS    see lib.lua.
-- ARGV[1] spider: its number as text; max_running: nil for no limit.
-- Returns 1 when it was done, 0 where there is no such spider.
if call('HEXISTS', SPIDERS, arg.spider) == 0 then return 0 end
if arg.max_running then
  call('HSET', COUNTERS, 'm:' .. arg.spider, int(arg.max_running))
else
  call('HDEL', COUNTERS, 'm:' .. arg.spider)
end
pulse()
return 1
