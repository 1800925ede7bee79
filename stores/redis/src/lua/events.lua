-- Events of a project after a number; keeps them for a further while.
-- KEYS    see lib.lua.
-- ARGV[1] after: nil for from now on; limit; ttl: ms.
-- Returns {number of the last event read or given, events: numbers and texts in turn}; nil when
--         the event after `after` is not kept or was never.
local number = tonumber(call('HGET', COUNTERS, 'events') or 0)
local kept_now = call('EXISTS', EVENTS) == 1
if not kept_now then
  if arg.after then return nil end
  -- Two numbers on: what came while nothing was kept is a gap after every earlier cursor.
  number = call('HINCRBY', COUNTERS, 'events', 2)
  call('XADD', EVENTS, int(number) .. '-0', 'b', '')
end
call('PEXPIRE', EVENTS, int(arg.ttl))
if not arg.after then return { int(number), {} } end
if arg.after > number then return nil end
local first = call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1][1]
if arg.after + 1 < tonumber(string.match(first, '^%d+')) then return nil end
local flat = {}
for _, entry in ipairs(call('XRANGE', EVENTS, '(' .. int(arg.after) .. '-0', '+', 'COUNT', arg.limit)) do
  number = string.match(entry[1], '^%d+')
  flat[#flat + 1], flat[#flat + 2] = number, entry[2][2]
end
return { #flat > 0 and number or int(arg.after), flat }
