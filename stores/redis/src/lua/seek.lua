-- Where a list goes on after its first jobs, without a look at them.
-- KEYS    see names.lua.
-- ARGV[1] plus: sets of which no two have the same job, see job_sets.lua; minus: nil or sets whose
--         jobs are all in `plus` and do not match; from, until: bounds, see ranks.lua; most: how
--         many jobs to pass, at least 1.
-- Returns packed {jobs passed; position of the last of them, 0 if none is left below}.
-- needs: job_sets, ranks
local arg = cmsgpack.unpack(ARGV[1])
local from, till = arg.from, arg['until']
local plus = ranks.filled(job_sets.of(arg.plus), from, till)
local minus = arg.minus and ranks.filled(job_sets.of(arg.minus), from, till) or {}
local all = ranks.difference(plus, minus, from, till)
if all <= arg.most then return cmsgpack.pack({ all, 0 }) end
return cmsgpack.pack({ arg.most, ranks.nth(plus, minus, from, till, arg.most) })
