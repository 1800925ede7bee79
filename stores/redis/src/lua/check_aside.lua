-- Sets aside job records that cannot be read, and large metadata without a job.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; fields; broken: list of {member, the values of the fields as they were read
--         (false: none), why}; larges: members.
-- Returns packed findings.

local function aside(prefix, letter, member)
  if call('EXISTS', prefix .. member) == 0 then return true end
  return call('RENAMENX', prefix .. member, ASIDE .. letter .. ':' .. member) == 1
end

local function same(values, others)
  for i = 1, #arg.fields do
    if (values[i] or false) ~= (others[i] or false) then return false end
  end
  return true
end

-- Out of all that it may stand in: nothing waits for it any more.
local function forget(member, tags)
  local owner = 's' .. string.match(member, '^%d+') .. '.'
  for _, letter in ipairs({ 'p', 'e' }) do
    for priority = 0, 4 do
      ask('ZREM', SET .. letter .. priority, member)
      ask('ZREM', SET .. owner .. letter .. priority, member)
    end
  end
  for _, letter in ipairs({ 'r', 'f', 'd' }) do
    ask('ZREM', SET .. letter, member)
    ask('ZREM', SET .. owner .. letter, member)
  end
  for tag in string.gmatch(tags or '', '[^\n]+') do
    local number = ask('HGET', COUNTERS, 't:' .. tag)
    for letter in string.gmatch(number and 'prfd' or '', '.') do
      ask('ZREM', SET .. 't' .. number .. '.' .. letter, member)
    end
  end
  ask('ZREM', DUE, member)
end

for _, broken in ipairs(arg.broken) do
  local member, values, why = unpack(broken)
  local now = ask('HMGET', JOB .. member, unpack(arg.fields))
  if now and call('EXISTS', JOB .. member) == 1 and same(values, now) then
    found(member, 'has a record that cannot be read: ' .. why, function()
      local extra = call('HMGET', JOB .. member, 't', 'U')
      if not aside(JOB, 'j', member) or not aside(LARGE, 'x', member) then return false end
      forget(member, extra[1])
      local key = extra[2]
      if key and ask('HGET', UNIQUE, key) == member then call('HDEL', UNIQUE, key) end
    end)
  end
end
for _, member in ipairs(arg.larges) do
  if call('EXISTS', JOB .. member) == 0 and call('EXISTS', LARGE .. member) == 1 then
    found(member, 'has large metadata, and there is no such job', function()
      return aside(LARGE, 'x', member)
    end)
  end
end
return reply()
