-- Adds up a field of the jobs of a set, a part a call; at the end holds it against its counter.
-- KEYS    see names.lua.
-- ARGV[1] repair; set: its name; field: of the jobs; counter: field of the counters hash; skip:
--         members before this part; max_members: its length; sum: of those before; mark: what an
--         earlier part returned, '' for the first; sure: whether a difference is a finding; text:
--         what is added up.
-- Returns packed {mark, sum, done, counted, findings}: `mark` changes when the set or the counter
--         does; counted is the counter.
-- needs: findings, names, numbers
local arg = cmsgpack.unpack(ARGV[1])
local ask = findings.ask
local report = findings.new_report(arg.repair)
local key = names.set(arg.set)
local counted = ask('HGET', names.counters, arg.counter) or '0'
local last = ask('ZRANGE', key, -1, -1, 'WITHSCORES') or {}
local mark = table.concat({ counted, ask('ZCARD', key) or 0, last[1] or '', last[2] or '' }, ' ')
if arg.mark ~= '' and arg.mark ~= mark then
  return cmsgpack.pack({ mark, '0', false, counted, report.list })
end
local sum, members = tonumber(arg.sum), ask('ZRANGE', key, arg.skip, arg.skip + arg.max_members - 1) or {}
for _, member in ipairs(members) do
  sum = sum + (tonumber(ask('HGET', names.job(member), arg.field) or nil) or 0)
end
local done = #members < arg.max_members
if done and arg.sure and tonumber(counted) ~= sum then
  findings.add(report, '', arg.text .. ' are ' .. numbers.int(sum) .. ', not ' .. counted, function()
    redis.call('HSET', names.counters, arg.counter, numbers.int(sum))
  end)
end
return cmsgpack.pack({ mark, numbers.int(sum), done, counted, report.list })
