-- What every script of the store begins with: names for its keys and its argument.
-- KEYS    the list of keys.rs, in its order. A prefix gets only members appended that
--         Redis or the caller gave; all share the project's hash tag.
-- ARGV[1] one MessagePack map. Text of users stays raw bytes; time comes in it as `now`.
local COUNTERS, SPIDERS, JOB, LARGE, SET, UNIQUE, LEASES, REQUEST = unpack(KEYS)
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call

-- Lua prints numbers with 14 digits; positions have 16. '%d' is exact up to 2^53 and
-- cheaper than '%.0f'.
local function int(number)
  return string.format('%d', number)
end

-- The sorted set of a state (text or number), for pending that of the priority.
local function lane(state, priority)
  local letter = string.sub('prfd', state + 1, state + 1)
  return letter == 'p' and letter .. priority or letter
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
