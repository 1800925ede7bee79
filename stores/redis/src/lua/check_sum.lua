-- Adds up a field of the jobs of a set, a part a call; at the end holds it against its counter.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; set: its name after SET; field: of the jobs; counter: field of COUNTERS;
--         skip: members before this part; most: its length; sum: of those before; mark: what
--         an earlier part returned, '' for the first; sure: whether a difference is a finding;
--         text: what is added up.
-- Returns packed {mark, sum, done, counted}: `mark` changes when the set or the counter does; counted
--         is the counter; then findings.
local key = SET .. arg.set
local counted = ask('HGET', COUNTERS, arg.counter) or '0'
local last = ask('ZRANGE', key, -1, -1, 'WITHSCORES') or {}
local mark = table.concat({ counted, ask('ZCARD', key) or 0, last[1] or '', last[2] or '' }, ' ')
if arg.mark ~= '' and arg.mark ~= mark then
  return cmsgpack.pack({ mark, '0', false, counted, findings })
end
local sum, members = tonumber(arg.sum), ask('ZRANGE', key, arg.skip, arg.skip + arg.most - 1) or {}
for _, member in ipairs(members) do
  sum = sum + (tonumber(ask('HGET', JOB .. member, arg.field) or nil) or 0)
end
local done = #members < arg.most
if done and arg.sure and tonumber(counted) ~= sum then
  found('', arg.text .. ' are ' .. int(sum) .. ', not ' .. counted, function()
    call('HSET', COUNTERS, arg.counter, int(sum))
  end)
end
return cmsgpack.pack({ mark, int(sum), done, counted, findings })
