-- Bytes of metadata, names and values, of the jobs that apply.lua plans. `b` of a job's core
-- is a bound: it grows by all that is set, and only where it is over a limit are the fields
-- counted out, at the cost of a read of the job. No `b`: at most arg.uncounted.

local function overlay(into, set, del)
  for i = 1, #set, 2 do
    into[set[i]] = set[i + 1]
  end
  for _, field in ipairs(del) do
    into[field] = false
  end
end

-- Of the fields that begin with `prefix`, as planned so far and after the effect.
local function counted(key, planned, prefix, set, del)
  local values, flat = {}, call('HGETALL', key)
  for i = 1, #flat, 2 do
    values[flat[i]] = flat[i + 1]
  end
  for field, value in pairs(planned) do
    values[field] = value
  end
  overlay(values, set, del)
  local bytes = 0
  for field, value in pairs(values) do
    if value and string.sub(field, 1, #prefix) == prefix then
      bytes = bytes + #field - #prefix + #value
    end
  end
  return bytes
end

-- The bound after the effect; nil when it allows fewer.
local function measured(job, effect)
  local bound = (tonumber(job.new.b) or arg.uncounted) + effect.bytes
  if not effect.most or bound <= effect.most then return bound end
  local small = counted(JOB .. job.member, job.new, 'm:', effect.set, effect.del)
  local large = counted(LARGE .. job.member, job.large, '', effect.large_set, effect.large_del)
  local bytes = small + large
  return bytes <= effect.most and bytes or nil
end
