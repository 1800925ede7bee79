-- Adds jobs in order.
-- KEYS    see names.lua.
-- ARGV[1] now; max_tags; request: nil or {fingerprint, ttl}; fields: those of the counters hash
--         that the jobs may need; jobs: {spider, state, passed: states besides, whose entry it
--         gets too, priority, running_units: nil for a job that does not begin running, actor,
--         unique or nil, holds: whether it holds the unique key, lease or nil, tags, spider_tags:
--         whether it gets those of its spider too, bytes_field: nil or the counter that its bytes
--         go to, bytes, core, large}, the last two flat lists of fields and values.
-- Returns a packed list, per job {added = {`SPIDER/JOB`, position, time, tags}}, or why it is
--         refused, see new_jobs.lua; '' for a reused request id. Only what was added is kept under the request id.
-- needs: counters, new_jobs, request_ids
local arg = cmsgpack.unpack(ARGV[1])
local known, replies = request_ids.kept_parts(arg.request)
if known then return known end

local push = new_jobs.push(arg.now, arg.max_tags, counters.read(arg.fields))
for i, job in ipairs(arg.jobs) do
  replies[i] = replies[i] or new_jobs.add(push, job)
end
new_jobs.finish(push)
return request_ids.answer_parts(arg.request, replies, function(reply) return reply.added end)
