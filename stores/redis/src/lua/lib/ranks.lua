-- Where in lists of jobs something stands, found by the sizes of sorted sets alone. Bounds are
-- positions: the first one, and the one after the last; all are below 2^53.
-- needs: numbers
local ranks = {}
local call = redis.call

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

-- How far down the first `n` entries go: the position of the last of them, or `from`.
function ranks.floor(sets, from, till, n)
  if #sets ~= 1 then
    return ranks.size(sets, from, till) > n and ranks.nth(sets, {}, from, till, n) or from
  end
  local lower, upper = numbers.int(from), '(' .. numbers.int(till)
  local last = call('ZREVRANGEBYSCORE', sets[1].key, upper, lower, 'WITHSCORES', 'LIMIT', n - 1, 1)
  return tonumber(last[2] or from)
end

return ranks
