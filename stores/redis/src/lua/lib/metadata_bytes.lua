-- Bytes of metadata, names and texts of values: those of a job in its field `z`, and those of all finished
-- and of all deleted jobs in the counters hash, since retention asks for them.
-- needs: names, numbers, stored_text
local metadata_bytes = {}
local call = redis.call

-- Only larger metadata are ever compressed.
local function small_length(key, field) return call('HSTRLEN', key, field) end

local function large_length(key, field)
  local value = call('HGET', key, field)
  return value and stored_text.length(value) or 0
end

-- How many bytes the fields of a hash that begin with `prefix` grow by with an effect. `planned`
-- has what earlier effects of this script change. Without a value there is no field.
local function growth(key, planned, prefix, set, del, stored_length)
  local function bytes(field, length) return length > 0 and length + #field - #prefix or 0 end
  local function bytes_before(field)
    local value = rawget(planned, field)
    if value == nil then return bytes(field, stored_length(key, field)) end
    return bytes(field, value and stored_text.length(value) or 0)
  end
  local by = 0
  for i = 1, #set, 2 do
    local field = set[i]
    if string.sub(field, 1, #prefix) == prefix then
      by = by + bytes(field, stored_text.length(set[i + 1])) - bytes_before(field)
    end
  end
  local gone = {}
  for _, field in ipairs(del) do
    if not gone[field] then by = by - bytes_before(field) end
    gone[field] = true
  end
  return by
end

-- A job's bytes after an effect that is not planned yet.
function metadata_bytes.after(job, effect)
  local core, hash = names.job(job.member), names.large(job.member)
  local small = growth(core, job.new, 'm:', effect.set, effect.del, small_length)
  local large = growth(hash, job.large, '', effect.large_set, effect.large_del, large_length)
  return (job.new.z or 0) + small + large
end

-- Adds the bytes of a job (sign 1), or takes them away (-1), in the sums by field.
function metadata_bytes.count(sums, fields, sign)
  local field = names.bytes_in(fields.s)
  if field then sums[field] = (sums[field] or 0) + sign * (fields.z or 0) end
end

function metadata_bytes.write(sums)
  for field, bytes in pairs(sums) do
    if bytes ~= 0 then call('HINCRBY', names.counters, field, numbers.int(bytes)) end
  end
end

return metadata_bytes
