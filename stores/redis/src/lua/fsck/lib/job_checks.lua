-- Holds a job against the sorted sets in which it must stand, and against the numbers given in its
-- project.
-- needs: findings, names, numbers, records, tag_list
local job_checks = {}
local call, ask = redis.call, findings.ask

function job_checks.sets(report, job)
  local member, position = job.member, job.o
  records.each_set(job, function(set)
    local score = ask('ZSCORE', names.set(set), member)
    local function put() call('ZADD', names.set(set), position, member) end
    if not score then
      findings.add(report, member, 'is not in z:' .. set, put)
    elseif tonumber(score) ~= tonumber(position) then
      local text = 'is at ' .. numbers.int(score) .. ' in z:' .. set .. ', not at ' .. position
      findings.add(report, member, text, put)
    end
  end)
end

function job_checks.tags(report, job)
  for tag in tag_list.each(job.t) do
    local field = names.tag_number(tag)
    if not ask('HGET', names.counters, field) then
      findings.add(report, '', 'tag ' .. tag .. ' has no number', function()
        call('HSET', names.counters, field, call('HINCRBY', names.counters, 'last_tag', 1))
      end)
    end
  end
end

local function spider_name(report, job, spider)
  local name = ask('HGET', names.spiders, spider)
  if not name then
    findings.add(report, '', 'spider ' .. spider .. ' has no name', function()
      call('HSET', names.spiders, spider, job.n)
      call('HSETNX', names.counters, names.spider_number(job.n), spider)
    end)
  elseif name ~= job.n then
    local text = 'is of ' .. job.n .. ', spider ' .. spider .. ' is ' .. name
    findings.add(report, job.member, text, function()
      call('HSET', names.job(job.member), 'n', name)
    end)
  end
  return name or job.n
end

function job_checks.numbers(report, job)
  local spider, number = string.match(job.member, '^(%d+)/(%d+)$')
  local function raise(field, least, text) findings.raise(report, names.counters, field, least, text) end
  raise('last_position', job.o, 'the last position is below that of a job')
  local name = spider_name(report, job, spider)
  raise('last_spider', spider, 'the last spider number is below one given')
  local last = 'the last job number of spider ' .. spider .. ' is below that of a job'
  raise(names.last_job(name), number, last)
end

return job_checks
