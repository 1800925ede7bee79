-- Sets how many jobs of a spider may run at a time.
-- KEYS    see names.lua.
-- ARGV[1] spider: its number as text; max_running: nil for no limit.
-- Returns packed 'applied', or 'refused' where there is no such spider.
-- needs: names, notify, numbers
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
if call('HEXISTS', names.spiders, arg.spider) == 0 then return cmsgpack.pack('refused') end
local field = names.max_running(arg.spider)
if arg.max_running then
  call('HSET', names.counters, field, numbers.int(arg.max_running))
else
  call('HDEL', names.counters, field)
end
notify.publish()
return cmsgpack.pack('applied')
