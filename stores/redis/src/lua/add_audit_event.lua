-- Adds an audit event as the latest.
-- KEYS[1] the stream of audit events.
-- ARGV[1] its time, ms; ARGV[2] its record.
-- Returns packed 'applied'.
-- needs: nothing
local key, time = KEYS[1], ARGV[1]
local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
if last then
  local latest = string.match(last[1], '^%d+')
  if tonumber(latest) > tonumber(time) then time = latest end
end
-- A stream that was emptied still refuses what is before its last entry: Redis then gives the time.
local added = redis.pcall('XADD', key, time .. '-*', 'e', ARGV[2])
if type(added) == 'table' and added.err then redis.call('XADD', key, '*', 'e', ARGV[2]) end
return cmsgpack.pack('applied')
