-- Which members of a sorted set of jobs match what its name does not say: by the sets of tags, and
-- by the spider that a member names.
-- needs: names
local matches = {}
local call = redis.call

-- Numbers that the counters hash has for these fields; a name that was never used has none.
local function numbers_of(fields)
  local found = {}
  for _, number in ipairs(#fields > 0 and call('HMGET', names.counters, unpack(fields)) or {}) do
    if number then found[#found + 1] = number end
  end
  return found
end

-- `wanted`: {spiders: fields of the counters hash with their numbers, empty for all; any, all,
-- lacks: the same of tags}. The result is for `kept`; nil if every member matches. `looks`: how many
-- tags are looked up for each member.
function matches.of(wanted)
  if #wanted.spiders + #wanted.any + #wanted.all + #wanted.lacks == 0 then return nil end
  local all, spiders = numbers_of(wanted.all), {}
  for _, number in ipairs(numbers_of(wanted.spiders)) do
    spiders[number] = true
  end
  local any, lacks = numbers_of(wanted.any), numbers_of(wanted.lacks)
  return {
    spiders = #wanted.spiders > 0 and spiders,
    any = #wanted.any > 0 and any,
    all = all,
    lacks = lacks,
    looks = #any + #all + #lacks,
    is_empty = #all < #wanted.all,
  }
end

-- Adds the members that have the tag to `found`, by their index.
local function find(found, tag, letter, members)
  for i, score in ipairs(call('ZMSCORE', names.set(names.of_tag(tag, letter)), unpack(members))) do
    if score then found[i] = true end
  end
  return found
end

-- Leaves those of `kept` for which `found` is `is_wanted`.
local function keep(kept, found, is_wanted)
  for i in pairs(kept) do
    if (found[i] or false) ~= is_wanted then kept[i] = nil end
  end
end

-- The members, all of one state, that match: their indexes as keys.
function matches.kept(rest, letter, members)
  local kept = {}
  if rest.is_empty or #members == 0 then return kept end
  for i, member in ipairs(members) do
    if not rest.spiders or rest.spiders[names.spider_of(member)] then kept[i] = true end
  end
  if rest.any then
    local found = {}
    for _, tag in ipairs(rest.any) do find(found, tag, letter, members) end
    keep(kept, found, true)
  end
  for _, tag in ipairs(rest.all) do keep(kept, find({}, tag, letter, members), true) end
  for _, tag in ipairs(rest.lacks) do keep(kept, find({}, tag, letter, members), false) end
  return kept
end

return matches
