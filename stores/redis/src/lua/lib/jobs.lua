-- Job records as the scripts that change jobs see them.
-- needs: names
local jobs = {}
local call = redis.call

local FIELDS = { 's', 'o', 'p', 'u', 'a', 'f', 'l', 't', 'U', '1', '2', 'e', 'k', 'z', 'w',
  'm:stop_requested' }

-- A job as {member, old, new, large}; nil where there is none. `new` reads through to `old` and
-- holds only what changed, `large` what changed of the larger metadata; false: removed.
function jobs.load(member)
  local values = call('HMGET', names.job(member), unpack(FIELDS))
  if not values[1] then return nil end
  local old = {}
  for i, field in ipairs(FIELDS) do
    old[field] = values[i]
  end
  return { member = member, old = old, new = setmetatable({}, { __index = old }), large = {} }
end

-- When something is due of a running job: its lease ends, or its time to stop does.
function jobs.due_at(fields)
  local lease, stop = tonumber(fields.l or nil), tonumber(fields.k or nil)
  if fields.s ~= '1' or not (lease or stop) then return nil end
  return math.min(lease or stop, stop or lease)
end

return jobs
