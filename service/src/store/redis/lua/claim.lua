-- Takes the pending job of highest priority, then of lowest position, and applies an effect.
-- KEYS    see lib.lua.
-- ARGV[1] now; max_tags; uncounted; request; spiders: fields `s:NAME` of COUNTERS, empty for all;
--         effect.
-- Returns packed {member, core, large}, the last two flat lists of fields and values after
--         the claim; nil when nothing is pending; '' for a reused request.
local before = kept()
if before then return before end

-- The lanes of one priority: the project's, or those of the spiders that have a number.
local owners = { '' }
if #arg.spiders > 0 then
  owners = {}
  for _, number in ipairs(call('HMGET', COUNTERS, unpack(arg.spiders))) do
    if number then owners[#owners + 1] = 's' .. number .. '.' end
  end
end

local function first(priority)
  local member, lowest
  for _, owner in ipairs(owners) do
    local head = call('ZRANGE', SET .. owner .. 'p' .. priority, 0, 0, 'WITHSCORES')
    local position = tonumber(head[2])
    if position and (not lowest or position < lowest) then
      member, lowest = head[1], position
    end
  end
  return member
end

local member
for priority = 4, 0, -1 do
  member = member or first(priority)
end
if not member then return nil end

local job = load(member)
if plan(job, arg.effect) then return redis.error_reply('ERR the claim is refused') end
write_all({ job })
return answer({ member, call('HGETALL', JOB .. member), call('HGETALL', LARGE .. member) })
