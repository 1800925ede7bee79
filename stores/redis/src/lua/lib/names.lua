-- Names of keys, of sorted sets, and of fields of the counters hash. No other Lua file spells
-- one; names.rs spells the same ones in Rust and has the table of all keys.
-- needs: nothing
local names = {}

-- The order is that of `ProjectNames::script` in names.rs. The prefixes get only members
-- appended that Redis or the caller gave; all keys share the project's hash tag.
local JOB, LARGE, SET, ASIDE
names.counters, names.spiders, names.spider_tags, JOB, LARGE, SET, names.unique, names.due, names.request,
  names.settings, names.events, names.notify, ASIDE = unpack(KEYS)

function names.job(member) return JOB .. member end
function names.large(member) return LARGE .. member end
function names.set(set) return SET .. set end

-- Where a repair sets aside what cannot be read.
function names.job_aside(member) return ASIDE .. 'j:' .. member end
function names.large_aside(member) return ASIDE .. 'x:' .. member end

-- The number of the spider of a member `SPIDER/JOB`, as text.
function names.spider_of(member) return string.match(member, '^%d+') end

-- Sorted sets: the lane of a state (text or number), and the same for one spider or one tag.
names.running = 'r'

function names.letter(state) return string.sub('prfd', state + 1, state + 1) end

-- The letter of a lane's state.
function names.letter_of(lane)
  local letter = string.sub(lane, 1, 1)
  return letter == 'e' and 'p' or letter
end

-- `e` is the lane of the pending jobs that go before the others of their priority.
function names.lane(state, priority, front)
  if tonumber(state) > 0 then return names.letter(state) end
  return (front and 'e' or 'p') .. priority
end

function names.of_spider(spider, lane) return 's' .. spider .. '.' .. lane end
function names.of_tag(tag, letter) return 't' .. tag .. '.' .. letter end

-- Pending lanes in the order in which claims take from them.
function names.claim_order() return { 'e4', 'p4', 'e3', 'p3', 'e2', 'p2', 'e1', 'p1', 'e0', 'p0' } end

function names.each_lane()
  return ipairs({ 'p2', 'r', 'f', 'd', 'p0', 'p1', 'p3', 'p4', 'e0', 'e1', 'e2', 'e3', 'e4' })
end

-- Fields of the counters hash.
function names.spider_number(name) return 'spider:' .. name end
function names.tag_number(name) return 'tag:' .. name end
function names.last_job(spider_name) return 'last_job:' .. spider_name end
function names.max_running(spider) return 'max_running:' .. spider end

-- The bytes of all metadata of the jobs in a state (as text); only states that retention
-- removes jobs of have a sum.
function names.bytes_in(state)
  return state == '2' and 'finished_bytes' or state == '3' and 'deleted_bytes' or nil
end

return names
