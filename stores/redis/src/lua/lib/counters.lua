-- The counters hash as a cache: many fields are read at once, and what changed is written at
-- once.
-- needs: many, names, numbers
local counters = {}
local call = redis.call

function counters.read(fields)
  local cache = { values = {}, changed = {} }
  for i, value in ipairs(call('HMGET', names.counters, unpack(fields))) do
    cache.values[fields[i]] = value
  end
  return cache
end

-- A field's value, false where there is none; one that was not read yet is read now.
function counters.get(cache, field)
  if cache.values[field] == nil then cache.values[field] = call('HGET', names.counters, field) end
  return cache.values[field]
end

function counters.set(cache, field, value)
  cache.values[field] = value
  cache.changed[field] = true
  return value
end

function counters.add(cache, field, number)
  return counters.set(cache, field, (counters.get(cache, field) or 0) + number)
end

-- The number that a name has in `field`, as text, and whether it is a new one: the next after
-- that of the field `last`.
function counters.number(cache, field, last)
  local number = counters.get(cache, field)
  if number then return numbers.int(number), false end
  return numbers.int(counters.set(cache, field, counters.add(cache, last, 1))), true
end

function counters.write(cache)
  local flat = {}
  for field in pairs(cache.changed) do
    flat[#flat + 1], flat[#flat + 2] = field, numbers.int(cache.values[field])
  end
  many.set_fields(names.counters, flat)
end

return counters
