-- Applies changes in order: all are planned in memory, then written.
-- KEYS    see lib.lua.
-- ARGV[1] now; max_tags; uncounted; request; all_or_nothing; changes: {member, holder, on,
--         effects}. `holder`: none, or fence or attempt or started_by, or expired or overdue: an
--         attempt. `on`, by state: -1 refuse, 0 keep, else the index of the effect.
-- Returns a packed list of {outcome, state before, attempt, stop requested} per change;
--         outcomes as below; '' for a reused request.
local before = kept()
if before then return before end

local MISSING, REFUSED, STALE, NOT_HELD, KEPT, APPLIED = 0, 1, 2, 3, 5, 6

local function holder_refuses(change, now)
  local running = now.s == '1'
  if change.started_by then
    local actor = string.match(now['1'] or '', '^%d+ (.*)$')
    return not (running and actor == change.started_by) and NOT_HELD
  end
  if change.fence or change.attempt then
    local same = not change.fence or change.fence == now.f
    if change.attempt then same = change.attempt == tonumber(now.a or 0) end
    local lives = not now.l or tonumber(now.l) > arg.now
    return not (running and same and lives) and STALE
  end
  local ended = change.expired and now.l or change.overdue and now.k
  local attempt = change.expired or change.overdue
  if not attempt then return nil end
  local over = ended and tonumber(ended) <= arg.now
  return not (running and over and attempt == tonumber(now.a or 0)) and STALE
end

local jobs, touched = {}, {}

local function decide(change)
  local job = jobs[change.member] or load(change.member)
  if not job then return { MISSING, 0, 0, 0 } end
  jobs[change.member] = job
  local state = tonumber(job.new.s)
  local refused = holder_refuses(change, job.new)
  if refused then return { refused, state, 0, 0 } end
  local step = change.on[state + 1]
  if step < 0 then return { REFUSED, state, 0, 0 } end
  if step == 0 then return { KEPT, state, 0, 0 } end
  refused = plan(job, change.effects[step])
  if refused then return { refused, state, 0, 0 } end
  if not job.touched then
    job.touched = true
    touched[#touched + 1] = job
  end
  local stop = job.new['m:stop_requested'] == 'true' and 1 or 0
  return { APPLIED, state, tonumber(job.new.a or 0), stop }
end

local replies, refusals = {}, 0
for i, change in ipairs(arg.changes) do
  replies[i] = decide(change)
  local outcome = replies[i][1]
  if outcome ~= MISSING and outcome ~= KEPT and outcome ~= APPLIED then refusals = refusals + 1 end
end
if not (arg.all_or_nothing and refusals > 0) then write_all(touched) end
return answer(replies)
