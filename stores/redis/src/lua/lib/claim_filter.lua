-- Which pending jobs a claim may take; see QueueStore::claim for the order and for the jobs that are
-- passed over.
-- needs: limits, names
local claim_filter = {}
local call = redis.call

local function stored_numbers(fields)
  local known = {}
  if #fields == 0 then return known end
  for _, number in ipairs(call('HMGET', names.counters, unpack(fields))) do
    if number then known[#known + 1] = number end
  end
  return known
end

-- `wanted`: {spiders, has_tags, lacks_tags: fields of the counters hash with their numbers, empty for
-- all; max_units: nil for any}.
-- `without`: members that are passed over.
function claim_filter.new(wanted, without)
  local passed = {}
  for _, member in ipairs(without) do passed[member] = true end
  return {
    passed = passed,
    any_spider = #wanted.spiders == 0,
    any_tag = #wanted.has_tags == 0,
    spiders = stored_numbers(wanted.spiders),
    has_tags = stored_numbers(wanted.has_tags),
    lacks_tags = stored_numbers(wanted.lacks_tags),
    max_units = wanted.max_units,
    project = limits.of_project(),
    running_units = tonumber(call('HGET', names.counters, 'running_units') or 0),
    verdicts = {},
  }
end

local function is_named(filter, spider)
  for _, number in ipairs(filter.spiders) do
    if number == spider then return true end
  end
  return filter.any_spider
end

-- Whether a spider may run one more, and is one of those wanted.
function claim_filter.may_run(filter, spider)
  local verdict = filter.verdicts[spider]
  if verdict == nil then
    local most = limits.of_spider(spider)
    local running = names.set(names.of_spider(spider, names.running))
    verdict = is_named(filter, spider) and (not most or call('ZCARD', running) < most)
    filter.verdicts[spider] = verdict
  end
  return verdict
end

local function has_any(member, tags)
  for _, tag in ipairs(tags) do
    if call('ZSCORE', names.set(names.of_tag(tag, names.letter(0))), member) then return true end
  end
  return false
end

-- 'take', 'pass' over it, or 'stop': it is next, but does not fit into the project's units yet.
function claim_filter.verdict(filter, member)
  if filter.passed[member] then return 'pass' end
  if not claim_filter.may_run(filter, names.spider_of(member)) then return 'pass' end
  if not filter.any_tag and not has_any(member, filter.has_tags) then return 'pass' end
  if has_any(member, filter.lacks_tags) then return 'pass' end
  local most, of_project = filter.max_units, filter.project.units
  if not (most or of_project) then return 'take' end
  local units = tonumber(call('HGET', names.job(member), 'u'))
  if most and units > most or of_project and units > of_project then return 'pass' end
  return of_project and filter.running_units + units > of_project and 'stop' or 'take'
end

return claim_filter
