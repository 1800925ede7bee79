-- What the scripts of a check have in common: job records, the sets in which they must stand, and
-- findings. ARGV[1] has `repair`; KEYS[12] is the prefix of what is set aside.
local ASIDE = KEYS[12]
local FIELDS = { 's', 'o', 'p', 'e', 't', 'n', 'l', 'k', 'U', 'z' }
local findings = {}

-- `subject` is a member, or '' for the project. `mend` says false where it could do nothing;
-- without one there is nothing to be done.
local function found(subject, text, mend)
  local repaired = arg.repair and mend ~= nil and mend() ~= false
  findings[#findings + 1] = { subject, text, repaired }
end

-- A key of the wrong type is a finding of its own; what it should hold is then not there.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return false end
  return reply
end

local function between(text, from, to)
  local number = type(text) == 'string' and string.find(text, '^%d+$') and tonumber(text)
  return number and number >= from and number <= to and number
end

-- The job, or nil and whether there is a record that cannot be read.
local function record(member)
  local values = ask('HMGET', JOB .. member, unpack(FIELDS))
  if not values then return nil, true end
  local job = { member = member }
  for i, field in ipairs(FIELDS) do
    job[field] = values[i]
  end
  if job.s and job.o and job.n and between(job.s, 0, 3) and between(job.o, 0, 2 ^ 53)
    and between(job.p, 0, 4) then
    return job
  end
  return nil, call('EXISTS', JOB .. member) == 1
end

local function each_place_of(job, visit)
  local owner = 's' .. string.match(job.member, '^%d+') .. '.'
  local lane_of = lane(job.s, job.p, job.e)
  visit(lane_of)
  visit(owner .. lane_of)
  for tag in string.gmatch(job.t or '', '[^\n]+') do
    local number = ask('HGET', COUNTERS, 't:' .. tag)
    if number then visit('t' .. number .. '.' .. letter(job.s)) end
  end
end

local function belongs(job, set)
  local found_it = false
  each_place_of(job, function(place)
    found_it = found_it or place == set
  end)
  return found_it
end

-- When something is due of a job; nil where nothing is.
local function ends(job)
  if job.s ~= '1' then return nil end
  local lease, stop = tonumber(job.l or nil), tonumber(job.k or nil)
  return lease and stop and math.min(lease, stop) or lease or stop
end

local function reply()
  return cmsgpack.pack(findings)
end
