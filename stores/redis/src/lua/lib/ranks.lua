-- Where in lists of jobs something stands, found by the sizes of sorted sets alone. Bounds are
-- positions: the first one, and the one after the last; all are below 2^53.
-- needs: numbers
local ranks = {}
local call = redis.call

-- A search by halves asks each set up to 53 times. It ends early where sets are more than FEW; more
-- than MANY are not searched: each of them gives a part of MAX_SHARED entries.
local FEW, MANY, MAX_SHARED = 16, 128, 800

function ranks.size(sets, from, till)
  local sum = 0
  for _, set in ipairs(sets) do
    sum = sum + call('ZCOUNT', set.key, numbers.int(from), '(' .. numbers.int(till))
  end
  return sum
end

-- Entries of `plus` that are not in `minus`, each of whose entries `plus` has too.
function ranks.difference(plus, minus, from, till)
  return ranks.size(plus, from, till) - ranks.size(minus, from, till)
end

-- Those of the sets that have entries within the bounds.
function ranks.filled(sets, from, till)
  local filled = {}
  for _, set in ipairs(sets) do
    if ranks.size({ set }, from, till) > 0 then filled[#filled + 1] = set end
  end
  return filled
end

-- The position of the `n`-th entry of the difference, from above: there are at least so many.
function ranks.nth(plus, minus, from, till, n)
  local low, high = from, till
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    if ranks.difference(plus, minus, middle, till) >= n then low = middle else high = middle end
  end
  return low
end

-- The position of a set's `n`-th entry from above, or `from` where it has no more than `n`.
local function floor_of(set, from, till, n)
  local lower, upper = numbers.int(from), '(' .. numbers.int(till)
  local last = call('ZREVRANGEBYSCORE', set.key, upper, lower, 'WITHSCORES', 'LIMIT', n - 1, 2)
  return last[4] and tonumber(last[2]) or from
end

-- The share of each of very many sets: the highest of their floors is that of all.
local function floor_of_shares(sets, from, till)
  local floor, share = from, math.max(1, math.floor(MAX_SHARED / #sets))
  for _, set in ipairs(sets) do
    floor = math.max(floor, floor_of(set, from, till, share))
  end
  return floor
end

-- A position from which on, up to `till`, the sets have `n` entries, or fewer if they are many; `from`
-- where they have no more.
function ranks.floor(sets, from, till, n)
  if #sets == 1 then return floor_of(sets[1], from, till, n) end
  if #sets > MANY then return floor_of_shares(sets, from, till) end
  if ranks.size(sets, from, till) <= n then return from end
  local low, high, least = from, till, #sets > FEW and n / 2 or n
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local size = ranks.size(sets, middle, till)
    if size >= least and size <= n then return middle end
    if size > n then low = middle else high = middle end
  end
  return low
end

return ranks
