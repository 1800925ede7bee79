-- Holds names of spiders against their numbers, and numbers against the last one given.
-- KEYS    see names.lua.
-- ARGV[1] repair; spiders: list of {name, the number that has this name, or ''}; limited: numbers of
--         spiders that may run so many jobs; numbers: of spiders.
-- Returns packed findings.
-- needs: findings, names, numbers
local arg = cmsgpack.unpack(ARGV[1])
local call, ask = redis.call, findings.ask
local report = findings.new_report(arg.repair)
local counters, spiders = names.counters, names.spiders

local function add(text, mend) findings.add(report, '', text, mend) end
local function set(key, field, value)
  return function() call('HSET', key, field, value) end
end

-- The name that the spider's jobs have.
local function name_in_jobs(spider)
  for _, lane in names.each_lane() do
    local members = ask('ZRANGE', names.set(names.of_spider(spider, lane)), 0, 0)
    local name = members and members[1] and ask('HGET', names.job(members[1]), 'n')
    if name then return name end
  end
end

local function number_of_name(name, home)
  local field = names.spider_number(name)
  local number = ask('HGET', counters, field)
  local owner = number and ask('HGET', spiders, number)
  if not number or owner == name then return end
  local text = 'spider ' .. name .. ' has number ' .. number .. ', '
  if home ~= '' and ask('HGET', spiders, home) == name then
    return add(text .. 'not ' .. home, set(counters, field, home))
  end
  local of_owner = owner and ask('HGET', counters, names.spider_number(owner))
  if owner and (of_owner == number or name_in_jobs(number) == owner) then
    add(text .. 'which is that of ' .. owner, function() call('HDEL', counters, field) end)
  else
    add(text .. 'which is that of ' .. (owner or 'nobody'), set(spiders, number, name))
  end
end

local function name_of_number(number)
  local name = ask('HGET', spiders, number)
  local field = name and names.spider_number(name)
  local other = name and ask('HGET', counters, field)
  if not name or other == number then return end
  local text = 'spider ' .. number .. ' is ' .. name .. ', which has '
  if other and ask('HGET', spiders, other) == name then
    add(text .. 'number ' .. other)
  else
    add(text .. (other and 'number ' .. other or 'no number'), set(counters, field, number))
  end
end

for _, pair in ipairs(arg.spiders) do
  number_of_name(pair[1], pair[2])
end
for _, spider in ipairs(arg.limited) do
  local field = names.max_running(spider)
  local value = ask('HGET', counters, field)
  if value and not numbers.whole(value) then
    add('spider ' .. spider .. ' may run ' .. value .. ' jobs', function() call('HDEL', counters, field) end)
  end
end
for _, number in ipairs(arg.numbers) do
  name_of_number(number)
  findings.raise(report, counters, 'last_spider', number, 'the last spider number is below one given')
end
return cmsgpack.pack(report.list)
