-- Sets aside job records that cannot be read, and large metadata without a job.
-- KEYS    see names.lua.
-- ARGV[1] repair; fields; broken: list of {member, the values of the fields as they were read
--         (false: none), why}; damaged: list of {member, field, the value of larger metadata as it
--         was read, why}; larges: members.
-- Returns packed findings.
-- needs: findings, names, tag_list
local arg = cmsgpack.unpack(ARGV[1])
local call, ask = redis.call, findings.ask
local report = findings.new_report(arg.repair)

local function set_aside(key, aside)
  return call('EXISTS', key) == 0 or call('RENAMENX', key, aside) == 1
end

local function is_same(values, others)
  for i = 1, #arg.fields do
    if (values[i] or false) ~= (others[i] or false) then return false end
  end
  return true
end

-- Takes the job out of all sets that it may stand in, so that nothing waits for it any more.
local function forget(member, tags)
  local spider = names.spider_of(member)
  for _, lane in names.each_lane() do
    ask('ZREM', names.set(lane), member)
    ask('ZREM', names.set(names.of_spider(spider, lane)), member)
  end
  for tag in tag_list.each(tags) do
    local number = ask('HGET', names.counters, names.tag_number(tag))
    for state = 0, number and 3 or -1 do
      ask('ZREM', names.set(names.of_tag(number, names.letter(state))), member)
    end
  end
  ask('ZREM', names.due, member)
end

local function cannot_be_read(member, why)
  local job = names.job(member)
  findings.add(report, member, 'has a record that cannot be read: ' .. why, function()
    local tags, key = unpack(call('HMGET', job, 't', 'U'))
    if not set_aside(job, names.job_aside(member)) then return false end
    if not set_aside(names.large(member), names.large_aside(member)) then return false end
    forget(member, tags)
    if key and ask('HGET', names.unique, key) == member then call('HDEL', names.unique, key) end
  end)
end

for _, broken in ipairs(arg.broken) do
  local member, values, why = unpack(broken)
  local job = names.job(member)
  local stored = ask('HMGET', job, unpack(arg.fields))
  if stored and call('EXISTS', job) == 1 and is_same(values, stored) then
    cannot_be_read(member, why)
  end
end
for _, damaged in ipairs(arg.damaged) do
  local member, field, value, why = unpack(damaged)
  local is_there = call('EXISTS', names.job(member)) == 1
  if is_there and ask('HGET', names.large(member), field) == value then cannot_be_read(member, why) end
end
for _, member in ipairs(arg.larges) do
  local large = names.large(member)
  if call('EXISTS', names.job(member)) == 0 and call('EXISTS', large) == 1 then
    findings.add(report, member, 'has large metadata, and there is no such job', function()
      return set_aside(large, names.large_aside(member))
    end)
  end
end
return cmsgpack.pack(report.list)
