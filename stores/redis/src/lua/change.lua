-- Applies changes in order: all are planned in memory, then written.
-- KEYS    see names.lua.
-- ARGV[1] now; max_tags; request; all_or_nothing; changes: {member, holder: see holders.lua,
--         unchanged_since: nil or when the job must have been written last, on, effects}. `on`, by
--         state: 'refuse', 'keep', the index of the effect, or {ended, never_ended}: that of the
--         effect for a job that was finished before, or was not.
-- Returns a packed list, per change 'missing', 'written_since', {refused = state}, {kept = state},
--         {applied = {state before, attempt, whether it is to stop, when it was written}}, or why
--         it is refused, see holders.lua and effects.lua; '' for a reused request id. Refusals are
--         not kept under the request id.
-- needs: effects, holders, jobs, request_ids, writes
local arg = cmsgpack.unpack(ARGV[1])
local known, replies = request_ids.kept_parts(arg.request)
if known then return known end

local plan = effects.new_plan(arg.now, arg.max_tags)
local loaded, touched = {}, {}

-- The reply, and whether it is a refusal: a reason to apply none of all.
local function decide(change)
  local job = loaded[change.member] or jobs.load(change.member)
  if not job then return 'missing', false end
  loaded[change.member] = job
  local refusal = holders.refusal(change, job.new, arg.now)
  if refusal then return refusal, true end
  local since = change.unchanged_since
  if since and since ~= tonumber(job.new.w) then return 'written_since', true end
  local state = tonumber(job.new.s)
  local step = change.on[state + 1]
  if step == 'refuse' then return { refused = state }, true end
  if step == 'keep' then return { kept = state }, false end
  if type(step) == 'table' then step = job.new['2'] and step.ended or step.never_ended end
  refusal = effects.apply(plan, job, change.effects[step])
  if refusal then return refusal, true end
  if not job.touched then
    job.touched = true
    touched[#touched + 1] = job
  end
  local new = job.new
  local stop_requested = new['m:stop_requested'] == 'true'
  return { applied = { state, tonumber(new.a or 0), stop_requested, tonumber(new.w) } }, false
end

local any_refused = false
for i, change in ipairs(arg.changes) do
  if not replies[i] then
    local reply, is_refusal = decide(change)
    replies[i], any_refused = reply, any_refused or is_refusal
  end
end
if arg.all_or_nothing and any_refused then return cmsgpack.pack(replies) end
writes.all(plan, touched)
return request_ids.answer_parts(arg.request, replies, function(reply)
  return reply == 'missing' or reply.kept or reply.applied
end)
