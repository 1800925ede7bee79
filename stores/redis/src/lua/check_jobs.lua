-- Holds jobs against the sets, numbers and keys that must name them.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; members; latest: the latest place that an index of what is due may give; most:
--         bytes after which the rest is left to another call.
-- Returns packed {how many were judged, findings}.

local function unique(job)
  if not job.U then return end
  local member, key = job.member, job.U
  local holder = ask('HGET', UNIQUE, key)
  local function drop()
    if holder == member then call('HDEL', UNIQUE, key) end
    call('HDEL', JOB .. member, 'U')
  end
  if tonumber(job.s) > 1 then
    return found(member, 'is done and holds a unique key', drop)
  end
  if holder == member then return end
  local other = holder and record(holder)
  if other and other.U == key and tonumber(other.s) < 2 then
    return found(member, 'has the unique key that ' .. holder .. ' holds', drop)
  end
  found(member, 'does not hold its unique key', function()
    call('HSET', UNIQUE, key, member)
  end)
end

-- A place later than the end is that of a job that was postponed.
local function lease(job)
  local due = ends(job)
  if not due then return end
  local place = tonumber(ask('ZSCORE', DUE, job.member) or nil)
  if place and place >= due and place <= math.max(due, arg.latest) then return end
  local wrong = place and 'is at ' .. int(place) .. ' in the index of what is due, not at ' .. int(due)
  found(job.member, wrong or 'is not in the index of what is due', function()
    call('ZADD', DUE, int(due), job.member)
  end)
end

local read = 0

-- Bytes of a hash's fields that begin with a prefix, names without it and values.
local function bytes_of(key, prefix)
  local flat, bytes = ask('HGETALL', key) or {}, 0
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, #prefix) == prefix then
      bytes = bytes + #flat[i] - #prefix + #flat[i + 1]
    end
  end
  return bytes
end

local function size(job)
  if not job.z then return end
  local bytes = bytes_of(JOB .. job.member, 'm:') + bytes_of(LARGE .. job.member, '')
  read = read + bytes
  if tonumber(job.z) == bytes then return end
  found(job.member, 'has ' .. bytes .. ' bytes of metadata, not ' .. job.z, function()
    call('HSET', JOB .. job.member, 'z', int(bytes))
  end)
end

local judged = 0
for _, member in ipairs(arg.members) do
  if read > arg.most then break end
  judged = judged + 1
  local job = record(member)
  if job then
    numbers(job)
    tags(job)
    standing(job)
    unique(job)
    lease(job)
    size(job)
  end
end
return cmsgpack.pack({ judged, findings })
