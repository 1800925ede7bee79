-- Holds a job's two hashes against each other, and the bytes of its metadata against what it says.
-- needs: findings, names, numbers, stored_text
local job_metadata = {}
local call, ask = redis.call, findings.ask

-- Bytes of a hash's fields that begin with a prefix and have a value: names without it, and texts of
-- values.
local function bytes_of(flat, prefix)
  local bytes = 0
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, #prefix) == prefix and flat[i + 1] ~= '' then
      bytes = bytes + #flat[i] - #prefix + stored_text.length(flat[i + 1])
    end
  end
  return bytes
end

local function value_of(flat, field)
  for i = 1, #flat, 2 do
    if flat[i] == field then return flat[i + 1] end
  end
end

-- An empty value in the core hash says that the other hash has it.
local function pointer(report, member, name, small, large)
  local key, field = names.job(member), 'm:' .. name
  local pointing, is_large = value_of(small, field), value_of(large, name)
  if is_large and not pointing then
    findings.add(report, member, 'does not say that it has large ' .. name, function()
      call('HSET', key, field, '')
    end)
  elseif pointing == '' and not is_large then
    findings.add(report, member, 'says that it has large ' .. name .. ', and has none', function()
      call('HDEL', key, field)
    end)
  end
end

-- Returns how many bytes of metadata there are. Adds larger values of more than ASCII, as compressed
-- ones are, to `unread` as {member, field, value}. `pointed_at`: names of metadata of which the core
-- hash says whether they are large.
function job_metadata.check(report, job, unread, pointed_at)
  local large = ask('HGETALL', names.large(job.member)) or {}
  for i = 1, #large, 2 do
    local value = large[i + 1]
    if not stored_text.is_ascii(value) then
      unread[#unread + 1] = { job.member, large[i], value }
    end
  end
  local small = ask('HGETALL', names.job(job.member)) or {}
  for _, name in ipairs(pointed_at) do pointer(report, job.member, name, small, large) end
  local bytes = bytes_of(small, 'm:') + bytes_of(large, '')
  if tonumber(job.z or nil) ~= bytes then
    local text = 'has ' .. bytes .. ' bytes of metadata, not ' .. (job.z or 'none')
    findings.add(report, job.member, text, function()
      call('HSET', names.job(job.member), 'z', numbers.int(bytes))
    end)
  end
  return bytes
end

return job_metadata
