-- Holds a job against the sets that it must stand in, and against the numbers given in its
-- project; for check_jobs.lua.

local function standing(job)
  each_place_of(job, function(place)
    local score = ask('ZSCORE', SET .. place, job.member)
    local function put() call('ZADD', SET .. place, job.o, job.member) end
    if not score then
      found(job.member, 'is not in z:' .. place, put)
    elseif tonumber(score) ~= tonumber(job.o) then
      found(job.member, 'is at ' .. int(score) .. ' in z:' .. place .. ', not at ' .. job.o, put)
    end
  end)
end

local function tags(job)
  for tag in string.gmatch(job.t or '', '[^\n]+') do
    if not ask('HGET', COUNTERS, 't:' .. tag) then
      found('', 'tag ' .. tag .. ' has no number', function()
        call('HSET', COUNTERS, 't:' .. tag, call('HINCRBY', COUNTERS, 'tags', 1))
      end)
    end
  end
end

local function at_least(field, number, text)
  if (tonumber(ask('HGET', COUNTERS, field) or nil) or 0) >= tonumber(number) then return end
  found('', text, function()
    call('HSET', COUNTERS, field, number)
  end)
end

local function numbers(job)
  local spider, number = string.match(job.member, '^(%d+)/(%d+)$')
  at_least('pos', job.o, 'the last position is below that of a job')
  local name = ask('HGET', SPIDERS, spider)
  if not name then
    found('', 'spider ' .. spider .. ' has no name', function()
      call('HSET', SPIDERS, spider, job.n)
      call('HSETNX', COUNTERS, 's:' .. job.n, spider)
    end)
  elseif name ~= job.n then
    found(job.member, 'is of ' .. job.n .. ', spider ' .. spider .. ' is ' .. name, function()
      call('HSET', JOB .. job.member, 'n', name)
    end)
  end
  at_least('spiders', spider, 'the last spider number is below one given')
  local last = 'the last job number of spider ' .. spider .. ' is below that of a job'
  at_least('l:' .. (name or job.n), number, last)
end
