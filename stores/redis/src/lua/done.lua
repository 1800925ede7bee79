-- Bytes of metadata, names and values, of each job in `z`, and of the finished and of the deleted
-- ones in all in COUNTERS: retention asks for them. A job of before there was `z` gets it, and
-- counts, when it ends, changes after its end, or is counted (count_done.lua).

-- By state, as text.
local SUMS = { ['2'] = 'bf', ['3'] = 'bd' }
-- What is to be added to them.
local sums = {}

local function add_bytes(fields, sign)
  local sum = SUMS[fields.s]
  if sum and fields.z then sums[sum] = (sums[sum] or 0) + sign * tonumber(fields.z) end
end

-- How many bytes more the fields of a hash that begin with `prefix` have after an effect; no
-- value is empty.
local function grown(key, planned, prefix, set, del)
  local function before(field)
    local value = rawget(planned, field)
    if value == nil then return call('HSTRLEN', key, field) end
    return value and #value or 0
  end
  local by = 0
  for i = 1, #set, 2 do
    local field = set[i]
    if string.sub(field, 1, #prefix) == prefix then
      local length = before(field)
      by = by + #set[i + 1] - length + (length == 0 and #field - #prefix or 0)
    end
  end
  local gone = {}
  for _, field in ipairs(del) do
    local length = not gone[field] and before(field) or 0
    if length > 0 then by = by - length - #field + #prefix end
    gone[field] = true
  end
  return by
end

-- The bytes after an effect that is not yet planned; nil where they are not known.
local function resized(job, effect)
  local z, key = job.new.z, job.member
  if not z then return nil end
  local by = grown(JOB .. key, job.new, 'm:', effect.set, effect.del)
  return z + by + grown(LARGE .. key, job.large, '', effect.large_set, effect.large_del)
end

-- Gives a planned job its bytes, if it is to have them.
local function resize(job, bytes)
  local new = job.new
  if not bytes and SUMS[new.s] then
    bytes = counted(JOB .. job.member, new, 'm:', {}, {})
    bytes = bytes + counted(LARGE .. job.member, job.large, '', {}, {})
  end
  if bytes then new.z = int(bytes) end
end

local function write_sums()
  for sum, bytes in pairs(sums) do
    if bytes ~= 0 then call('HINCRBY', COUNTERS, sum, int(bytes)) end
  end
end
