-- How many entries sets have, in one atomic step.
-- KEYS    see names.lua.
-- ARGV[1] groups: a list of sets, see job_sets.lua; from, until: bounds, see ranks.lua.
-- Returns packed the sum of each group.
-- needs: job_sets, ranks
local arg = cmsgpack.unpack(ARGV[1])
local sums = {}
for i, sets in ipairs(arg.groups) do
  sums[i] = ranks.size(job_sets.of(sets), arg.from, arg['until'])
end
return cmsgpack.pack(sums)
