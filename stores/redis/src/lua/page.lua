-- The next jobs that match a filter, from a position down, in one atomic step.
-- KEYS    see names.lua.
-- ARGV[1] drive: the sets that are gone over, see job_sets.lua; minus: nil or sets whose jobs are
--         all in `drive` and do not match; rest: what is looked up for each job, see matches.lua;
--         from, until: bounds, see ranks.lua; look: how many matches are wanted; counts: whether
--         only their number is; with_bytes: whether the bytes of their metadata are wanted too.
-- Returns packed {how many matched; members and positions of these in turn, in no order; their
--         bytes; where the rest begins (its `until`), 0 at the end}. All matches from there on are
--         in the answer.
-- needs: job_sets, matches, names, numbers, ranks
local arg = cmsgpack.unpack(ARGV[1])
local from, rest = arg.from, matches.of(arg.rest)
-- What an entry costs: 1 where one tag is looked up. A search costs as much as 50 entries a set.
local WEIGHT = rest and (1 + rest.looks) / 2 or 1
-- Entries that a step goes over, and the cost after which a call ends.
local STEP, MOST, SEARCH = math.max(50, math.floor(250 / WEIGHT)), 750, 50

local till = arg['until']
local drive = ranks.filled(job_sets.of(arg.drive), from, till)
local minus = arg.minus and ranks.filled(job_sets.of(arg.minus), from, till)
local found, bytes, count = {}, {}, 0

local function add(entries, i)
  count = count + 1
  if arg.counts then return end
  found[#found + 1], found[#found + 2] = entries[i], entries[i + 1]
  if arg.with_bytes then bytes[count] = redis.call('HGET', names.job(entries[i]), 'z') or '0' end
end

local function add_kept(entries, letter)
  local members = {}
  for i = 1, #entries, 2 do members[#members + 1] = entries[i] end
  for i in pairs(matches.kept(rest, letter, members)) do add(entries, 2 * i - 1) end
end

-- Goes over the next `most` entries; what that cost.
local function step(most)
  local floor, cost = ranks.floor(drive, from, till, most), #drive
  for _, set in ipairs(drive) do
    local upper, lower = '(' .. numbers.int(till), numbers.int(floor)
    local entries = redis.call('ZREVRANGEBYSCORE', set.key, upper, lower, 'WITHSCORES')
    cost = cost + WEIGHT * #entries / 2
    if rest then
      add_kept(entries, set.letter)
    else
      for i = 1, #entries, 2 do add(entries, i) end
    end
  end
  till = floor
  return cost
end

-- Goes to the next entry that is not in `minus`, if there is any.
local function search()
  local is_left = ranks.difference(drive, minus, from, till) > 0
  till = is_left and ranks.nth(drive, minus, from, till, 1) + 1 or from
  return SEARCH * (#drive + #minus)
end

-- Many lists are dense: the first step looks at no more than is wanted.
local cost, is_dry, most = 0, true, math.min(arg.look, rest and STEP or MOST)
while till > from and #drive > 0 and count < arg.look and cost < MOST do
  if minus and is_dry then cost = cost + search() end
  local before = count
  if till > from then cost = cost + step(most) end
  is_dry, most = count == before, STEP
end
return cmsgpack.pack({ count, found, bytes, till > from and #drive > 0 and till or 0 })
