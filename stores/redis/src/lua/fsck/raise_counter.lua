-- Raises a counter that is below what it must be at least.
-- KEYS    see names.lua.
-- ARGV[1] repair; counter: field of the counters hash; least; text.
-- Returns packed findings.
-- needs: findings, names
local arg = cmsgpack.unpack(ARGV[1])
local report = findings.new_report(arg.repair)
findings.raise(report, names.counters, arg.counter, arg.least, arg.text)
return cmsgpack.pack(report.list)
