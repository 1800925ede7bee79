-- Which pending job a claim takes; see Store::claim for the order and who is passed over.
-- ARGV[1] spiders: fields `s:NAME` of COUNTERS, empty for all; has_tags, lacks_tags: fields
--         `t:NAME`, empty for all; max_units: nil for any; from: nil, or {lane, position} where
--         an earlier call stopped.

-- Most entries that one call looks at, most that it would sort by itself, and most spiders
-- whose own lanes it would look at when others are in the way.
local WINDOW, FEW, SPIDERS_APART = 1000, 300, 300
-- Answers of `fits` beside the job's own: go on, end.
local PASS, STOP = 1, 2

local function numbers(fields)
  local known = {}
  if #fields == 0 then return known end
  for _, number in ipairs(call('HMGET', COUNTERS, unpack(fields))) do
    if number then known[#known + 1] = number end
  end
  return known
end

local spiders, has, lacks = numbers(arg.spiders), numbers(arg.has_tags), numbers(arg.lacks_tags)
local free = limits()
local used = tonumber(call('HGET', COUNTERS, 'units') or 0)

-- Whether a spider may run one more, and is one of those wanted.
local verdicts = {}
local function may_run(spider)
  if verdicts[spider] ~= nil then return verdicts[spider] end
  local most = spider_limit(spider)
  local verdict = not most or call('ZCARD', SET .. 's' .. spider .. '.r') < most
  if #arg.spiders > 0 then
    local named = false
    for _, number in ipairs(spiders) do
      named = named or number == spider
    end
    verdict = verdict and named
  end
  verdicts[spider] = verdict
  return verdict
end

local function tagged(member, tags)
  for _, tag in ipairs(tags) do
    if call('ZSCORE', SET .. 't' .. tag .. '.p', member) then return true end
  end
  return false
end

-- Whether the job is taken, passed over, or its turn is kept.
local function fits(member)
  if not may_run(string.match(member, '^%d+')) then return PASS end
  if #arg.has_tags > 0 and not tagged(member, has) then return PASS end
  if tagged(member, lacks) then return PASS end
  if not (arg.max_units or free.units) then return nil end
  local units = tonumber(call('HGET', JOB .. member, 'u'))
  if arg.max_units and units > arg.max_units then return PASS end
  if free.units and units > free.units then return PASS end
  return free.units and used + units > free.units and STOP or nil
end

-- Goes through `members` in order: the job that is taken, and whether this is the end.
local function first_of(members)
  for _, member in ipairs(members) do
    local verdict = fits(member)
    if verdict ~= PASS then return verdict == nil and member or nil, true end
  end
  return nil, false
end

-- A few jobs with a tag, sorted as the lanes are.
local function by_tag()
  local list, seen = {}, {}
  for _, tag in ipairs(has) do
    for _, member in ipairs(call('ZRANGE', SET .. 't' .. tag .. '.p', 0, -1)) do
      if not seen[member] then
        seen[member] = true
        local place = call('HMGET', JOB .. member, 'p', 'e', 'o')
        list[#list + 1] = { member, tonumber(place[1]), place[2] and 1 or 0, tonumber(place[3]) }
      end
    end
  end
  table.sort(list, function(a, b)
    if a[2] ~= b[2] then return a[2] > b[2] end
    if a[3] ~= b[3] then return a[3] > b[3] end
    return a[4] < b[4]
  end)
  for i, job in ipairs(list) do
    list[i] = job[1]
  end
  return (first_of(list))
end

-- The next `most` entries of a lane from `position` on, lowest first, over all its owners; and
-- where to go on, nil at the lane's end.
local function part(name, owners, position, most)
  local entries, horizon = {}, nil
  local share = math.max(1, math.floor(most / #owners))
  for _, owner in ipairs(owners) do
    local list = call('ZRANGEBYSCORE', SET .. owner .. name, position, '+inf', 'WITHSCORES', 'LIMIT', 0, share)
    for i = 1, #list, 2 do
      entries[#entries + 1] = { list[i], tonumber(list[i + 1]) }
    end
    if #list == 2 * share then
      local reached = tonumber(list[#list])
      horizon = math.min(horizon or reached, reached)
    end
  end
  table.sort(entries, function(a, b)
    return a[2] < b[2]
  end)
  local members = {}
  for _, entry in ipairs(entries) do
    if horizon and entry[2] > horizon then break end
    members[#members + 1] = entry[1]
  end
  return members, horizon and '(' .. int(horizon)
end

local LANES = { 'e4', 'p4', 'e3', 'p3', 'e2', 'p2', 'e1', 'p1', 'e0', 'p0' }

-- The lanes of those of these spiders that may run one more.
local function lanes_of(numbers_of)
  local owners = {}
  for _, number in ipairs(numbers_of) do
    if may_run(number) then owners[#owners + 1] = 's' .. number .. '.' end
  end
  return owners
end

-- The lanes of all spiders that may run, where those that may not stand before them; nil where
-- they are too many.
local function lanes_apart()
  local most = tonumber(call('HGET', COUNTERS, 'spiders') or 0)
  if #arg.spiders > 0 or most > SPIDERS_APART then return nil end
  local all, any = {}, false
  for number = 1, most do
    all[number] = int(number)
  end
  for _, verdict in pairs(verdicts) do
    any = any or not verdict
  end
  return any and lanes_of(all)
end

-- The job that is taken; or nil and where to go on.
local function by_lane()
  local owners = #arg.spiders > 0 and lanes_of(spiders) or { '' }
  local at, position, apart = 1, '-inf', false
  if arg.from then
    at, position = arg.from[1], arg.from[2]
  end
  local looked, step = 0, 1
  while at <= #LANES and #owners > 0 do
    local members, on = part(LANES[at], owners, position, math.max(step, #owners))
    local member, ended = first_of(members)
    if ended then return member, nil end
    looked = looked + #members + 1
    if #members > 0 then step = math.min(10 * step, WINDOW) end
    position = on or '-inf'
    if not on then at = at + 1 end
    if on and step >= 100 and not apart then
      apart = true
      owners = lanes_apart() or owners
    end
    if looked >= WINDOW and at <= #LANES then return nil, { at, position } end
  end
  return nil, nil
end

-- As by_lane.
local function wanted()
  if free.running and call('ZCARD', SET .. 'r') >= free.running then return nil, nil end
  if free.units and used >= free.units then return nil, nil end
  if #arg.has_tags == 0 then return by_lane() end
  local jobs = 0
  for _, tag in ipairs(has) do
    jobs = jobs + call('ZCARD', SET .. 't' .. tag .. '.p')
  end
  if jobs <= FEW then return by_tag(), nil end
  return by_lane()
end
