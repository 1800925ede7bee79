-- Events of a project after one of them; keeps them for a further while. Of a project that does not
-- exist nothing is kept but where they will begin, for as long as a watch may be silent.
-- KEYS    see names.lua.
-- ARGV[1] after: nil for from now on, else {number, stamp}; limit; ttl, awaited_ttl: ms.
-- Returns packed {events = {number and stamp of the last event read or given, list of {number,
--         stamp, text}}}, or 'gone' when that of `after` is not kept or was never. Numbers and
--         stamps are texts: callers may send any number.
-- needs: event_log, names, numbers
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
local gone = cmsgpack.pack('gone')
local exists = call('EXISTS', names.counters) == 1

local function place(entry)
  return { string.match(entry[1], '^(%d+)-(%d+)$') }
end

if call('EXISTS', names.events) == 0 then
  if arg.after then return gone end
  -- Two numbers on: what came while nothing was kept is a gap after every earlier cursor.
  local first = exists and call('HINCRBY', names.counters, 'last_event', 2) or 0
  call('XADD', names.events, event_log.id(first), 'b', '')
end
call('PEXPIRE', names.events, numbers.int(exists and arg.ttl or arg.awaited_ttl))
if not arg.after then
  local last = call('XREVRANGE', names.events, '+', '-', 'COUNT', 1)[1]
  return cmsgpack.pack({ events = { place(last), {} } })
end
-- That of `after` comes with them: it shows that the reader knows this history.
local from = table.concat(arg.after, '-')
local entries = call('XRANGE', names.events, from, '+', 'COUNT', arg.limit + 1)
if not entries[1] or entries[1][1] ~= from then return gone end

local last, list = arg.after, {}
for i = 2, #entries do
  last = place(entries[i])
  list[i - 1] = { last[1], last[2], entries[i][2][2] }
end
return cmsgpack.pack({ events = { last, list } })
