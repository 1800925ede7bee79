-- The project's events, kept only while somebody reads them now and then.
-- needs: names, notify
local event_log = {}
local call = redis.call

-- As many as MAX_EVENTS of the store trait.
local MAX_EVENTS = '10000'

-- The id of an event: its number, and as stamp the time in µs. A server that lost its last events
-- gives their numbers again, but later.
function event_log.id(number)
  local time = call('TIME')
  return string.format('%d-%s%06d', number, time[1], time[2])
end

-- The event of a job that is gone: it left its state for none.
function event_log.purged(member, state) return { member, state, state, 0 } end

-- Keeps events, each {member, state before or '', state, whether it is a request to stop: 0 or
-- 1}, and notifies.
function event_log.add(events)
  if #events == 0 then return end
  if call('EXISTS', names.events) == 1 then
    local last = call('HINCRBY', names.counters, 'last_event', #events) - #events
    for i, event in ipairs(events) do
      call('XADD', names.events, 'MAXLEN', MAX_EVENTS, event_log.id(last + i), 'e', table.concat(event, ' '))
    end
  end
  notify.publish()
end

return event_log
