-- Holds names against numbers, and numbers against the last one given.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; fields: of COUNTERS; homes: for each the number that has its name in SPIDERS,
--         or ''; numbers: fields of SPIDERS; renumber: names of tags whose number another has.
-- Returns packed findings.

local function set(key, field, value)
  return function() call('HSET', key, field, value) end
end

-- The name that the spider's jobs have.
local function name_in_jobs(number)
  for _, lane_of in ipairs({ 'p2', 'r', 'f', 'd', 'p0', 'p1', 'p3', 'p4', 'e0', 'e1', 'e2', 'e3', 'e4' }) do
    local members = ask('ZRANGE', SET .. 's' .. number .. '.' .. lane_of, 0, 0)
    local name = members and members[1] and ask('HGET', JOB .. members[1], 'n')
    if name then return name end
  end
end

local function number_of_name(field, home)
  local name, number = string.sub(field, 3), ask('HGET', COUNTERS, field)
  local theirs = number and ask('HGET', SPIDERS, number)
  if not number or theirs == name then return end
  local text = 'spider ' .. name .. ' has number ' .. number .. ', '
  if home ~= '' and ask('HGET', SPIDERS, home) == name then
    found('', text .. 'not ' .. home, set(COUNTERS, field, home))
  elseif theirs and (ask('HGET', COUNTERS, 's:' .. theirs) == number or name_in_jobs(number) == theirs) then
    found('', text .. 'which is that of ' .. theirs, function()
      call('HDEL', COUNTERS, field)
    end)
  else
    found('', text .. 'which is that of ' .. (theirs or 'nobody'), set(SPIDERS, number, name))
  end
end

local function name_of_number(number)
  local name = ask('HGET', SPIDERS, number)
  local theirs = name and ask('HGET', COUNTERS, 's:' .. name)
  if not name or theirs == number then return end
  local text = 'spider ' .. number .. ' is ' .. name .. ', which has '
  if theirs and ask('HGET', SPIDERS, theirs) == name then
    found('', text .. 'number ' .. theirs)
  else
    found('', text .. (theirs and 'number ' .. theirs or 'no number'), set(COUNTERS, 's:' .. name, number))
  end
end

local function last_of(counter, number, text)
  if (tonumber(ask('HGET', COUNTERS, counter) or nil) or 0) >= (tonumber(number) or 0) then return end
  found('', 'the last ' .. text .. ' number is below one given', set(COUNTERS, counter, number))
end

for i, field in ipairs(arg.fields) do
  local kind, value = string.sub(field, 1, 2), ask('HGET', COUNTERS, field)
  if kind == 's:' then number_of_name(field, arg.homes[i]) end
  if kind == 'm:' and value and not whole(value) then
    found('', 'spider ' .. string.sub(field, 3) .. ' may run ' .. value .. ' jobs', function()
      call('HDEL', COUNTERS, field)
    end)
  end
  if kind == 't:' and value then last_of('tags', value, 'tag') end
end
for _, number in ipairs(arg.numbers) do
  name_of_number(number)
  last_of('spiders', number, 'spider')
end
for _, name in ipairs(arg.renumber) do
  found('', 'tag ' .. name .. ' has the number of another', function()
    call('HSET', COUNTERS, 't:' .. name, call('HINCRBY', COUNTERS, 'tags', 1))
  end)
end
return reply()
