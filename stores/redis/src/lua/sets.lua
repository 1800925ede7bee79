-- The sorted sets that a filter reads: per state, per spider and state, or per tag and state;
-- for page.lua and count.lua.
-- ARGV[1] owners: fields of COUNTERS (all `s:NAME` or all `t:NAME`), or nil for the
--         project's own sets; lanes: their ends (`p0`, `r` …; for tags `p`, `r` …);
--         from, until: bounds of positions as Redis writes them.
local function each_set(visit)
  if not arg.owners then
    for _, lane_of in ipairs(arg.lanes) do
      visit(SET .. lane_of)
    end
    return
  end
  for i, number in ipairs(call('HMGET', COUNTERS, unpack(arg.owners))) do
    for _, lane_of in ipairs(number and arg.lanes or {}) do
      visit(SET .. string.sub(arg.owners[i], 1, 1) .. number .. '.' .. lane_of)
    end
  end
end
