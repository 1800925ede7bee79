-- What every script of the store begins with: names for its keys and its argument.
-- KEYS    the list of keys.rs, in its order. A prefix gets only members appended that
--         Redis or the caller gave; all share the project's hash tag.
-- ARGV[1] one MessagePack map. Text of users stays raw bytes; time comes in it as `now`.
local COUNTERS, SPIDERS, JOB, LARGE, SET, UNIQUE, DUE, REQUEST, SETTINGS, EVENTS, WAKE = unpack(KEYS)
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call

-- Lua prints numbers with 14 digits; positions have 16. '%d' is exact up to 2^53 and
-- cheaper than '%.0f'.
local function int(number)
  return string.format('%d', number)
end

-- The letter of a state (text or number).
local function letter(state)
  return string.sub('prfd', state + 1, state + 1)
end

-- The sorted set of a state, for pending that of the priority: `e` of those in front.
local function lane(state, priority, front)
  if tonumber(state) > 0 then return letter(state) end
  return (front and 'e' or 'p') .. priority
end

-- Lua's stack holds 8,000 values; a job may have more fields.
local STEP = 4000

local function hset(key, pairs_of)
  for from = 1, #pairs_of, STEP do
    call('HSET', key, unpack(pairs_of, from, math.min(from + STEP - 1, #pairs_of)))
  end
end

local function hdel(key, fields)
  for from = 1, #fields, STEP do
    call('HDEL', key, unpack(fields, from, math.min(from + STEP - 1, #fields)))
  end
end

-- The answer kept for arg.request; '' when it was given to another request.
local function kept()
  local record = arg.request and call('GET', REQUEST)
  if not record then return nil end
  local print = arg.request.fingerprint
  if string.sub(record, 1, #print) ~= print then return '' end
  return string.sub(record, #print + 1)
end

-- Packs the answer and keeps it for arg.request.
local function answer(reply)
  local packed = cmsgpack.pack(reply)
  if arg.request then
    call('SET', REQUEST, arg.request.fingerprint .. packed, 'PX', int(arg.request.ttl))
  end
  return packed
end

-- A limit as written in a setting; nil where it is none.
local function whole(text)
  return text and (text == '0' or string.match(text, '^[1-9]%d*$')) and tonumber(text) or nil
end

-- The limits of the project: most jobs and most units that run.
local function limits()
  local values = call('HMGET', SETTINGS, 'max_running', 'max_running_units')
  return { running = whole(values[1]), units = whole(values[2]) }
end

-- What does not allow more to run, by Limit::index.
local RUNNING_LIMIT, UNITS_LIMIT, SPIDER_LIMIT = 0, 1, 2

-- Most jobs of a spider that run.
local function spider_limit(spider)
  return whole(call('HGET', COUNTERS, 'm:' .. spider))
end

-- Tells those that wait for changes of the project.
local function pulse()
  if call('EXISTS', WAKE) == 1 then call('PUBLISH', WAKE, '') end
end

-- Keeps events (as many as KEPT_EVENTS), if somebody wants them: a list of {member, previous
-- state or '', state, stop}.
local function keep_events(events)
  if #events == 0 then return end
  if call('EXISTS', EVENTS) == 1 then
    local number = call('HINCRBY', COUNTERS, 'events', #events) - #events
    for i, event in ipairs(events) do
      call('XADD', EVENTS, 'MAXLEN', '10000', int(number + i) .. '-0', 'e', table.concat(event, ' '))
    end
  end
  pulse()
end
