-- Events of a project after a number; keeps them for a further while.
-- KEYS    see names.lua.
-- ARGV[1] after: nil for from now on; limit; ttl: ms.
-- Returns packed {events = {number of the last event read or given, list of {number, text}}}, or
--         'gone' when the event after `after` is not kept or was never.
-- needs: names, numbers
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
local last = tonumber(call('HGET', names.counters, 'last_event') or 0)
local gone = cmsgpack.pack('gone')

if call('EXISTS', names.events) == 0 then
  if arg.after then return gone end
  -- Two numbers on: what came while nothing was kept is a gap after every earlier cursor.
  last = call('HINCRBY', names.counters, 'last_event', 2)
  call('XADD', names.events, numbers.int(last) .. '-0', 'b', '')
end
call('PEXPIRE', names.events, numbers.int(arg.ttl))
if not arg.after then return cmsgpack.pack({ events = { last, {} } }) end
if arg.after > last then return gone end
local first = call('XRANGE', names.events, '-', '+', 'COUNT', 1)[1][1]
if arg.after + 1 < tonumber(string.match(first, '^%d+')) then return gone end

local read, list = arg.after, {}
local from = '(' .. numbers.int(arg.after) .. '-0'
for i, entry in ipairs(call('XRANGE', names.events, from, '+', 'COUNT', arg.limit)) do
  read = tonumber(string.match(entry[1], '^%d+'))
  list[i] = { read, entry[2][2] }
end
return cmsgpack.pack({ events = { read, list } })
