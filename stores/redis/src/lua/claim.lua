-- Takes the job that next_job.lua finds, and applies an effect.
-- KEYS    see names.lua.
-- ARGV[1] now; max_tags; request; effect; filter and without: see claim_filter.lua; from: nil, or
--         {lane, position} where an earlier call stopped looking.
-- Returns packed {claimed = {member, core, large}}, the last two flat lists of fields and values
--         after the claim; 'none'; {more = {lane, position}}: another call is to go on from there;
--         {stale = member}: the request id took that job, and its attempt is over; '' for a reused
--         request id. Only a claim is kept under the request id, as {member, fence}.
-- needs: claim_filter, effects, holders, jobs, names, next_job, request_ids, writes
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call

local function claimed(member)
  local core, large = call('HGETALL', names.job(member)), call('HGETALL', names.large(member))
  return cmsgpack.pack({ claimed = { member, core, large } })
end

local kept = request_ids.kept(arg.request)
if kept == '' then return kept end
if kept then
  local member, fence = unpack(cmsgpack.unpack(kept))
  local job = jobs.load(member)
  local stale = not job or holders.refusal({ fence = fence }, job.new, arg.now)
  return stale and cmsgpack.pack({ stale = member }) or claimed(member)
end

local filter = claim_filter.new(arg.filter, arg.without)
local member, on = next_job.find(filter, arg.from)
if on then return cmsgpack.pack({ more = on }) end
if not member then return cmsgpack.pack('none') end

local job = jobs.load(member)
local plan = effects.new_plan(arg.now, arg.max_tags)
local refusal = effects.apply(plan, job, arg.effect)
if refusal then return redis.error_reply('ERR the claim is refused') end
writes.all(plan, { job })
request_ids.answer(arg.request, { member, arg.effect.start.fence })
return claimed(member)
