-- Raises a counter that is below what it must be at least.
-- KEYS    see lib.lua, judge.lua.
-- ARGV[1] repair; counter: field of COUNTERS; least; text.
-- Returns packed findings.
if (tonumber(ask('HGET', COUNTERS, arg.counter) or nil) or 0) < tonumber(arg.least) then
  found('', arg.text, function()
    call('HSET', COUNTERS, arg.counter, arg.least)
  end)
end
return reply()
