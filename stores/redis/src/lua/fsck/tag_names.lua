-- Holds numbers of tags against the last one given, and gives new ones to tags that share one.
-- KEYS    see names.lua.
-- ARGV[1] repair; tags: names; renumber: names of tags whose number another has.
-- Returns packed findings.
-- needs: findings, names
local arg = cmsgpack.unpack(ARGV[1])
local call, counters = redis.call, names.counters
local report = findings.new_report(arg.repair)
for _, tag in ipairs(arg.tags) do
  local number = findings.ask('HGET', counters, names.tag_number(tag))
  if number then
    findings.raise(report, counters, 'last_tag', number, 'the last tag number is below one given')
  end
end
for _, tag in ipairs(arg.renumber) do
  findings.add(report, '', 'tag ' .. tag .. ' has the number of another', function()
    call('HSET', counters, names.tag_number(tag), call('HINCRBY', counters, 'last_tag', 1))
  end)
end
return cmsgpack.pack(report.list)
