-- Removing a job (apply.lua) for good, with all that names it.

local function remove(job)
  local member, old = job.member, job.old
  local set = lane(old.s, old.p, old.e)
  call('UNLINK', JOB .. member, LARGE .. member)
  call('ZREM', SET .. set, member)
  call('ZREM', SET .. 's' .. string.match(member, '^%d+') .. '.' .. set, member)
  each_tag(old.t, 'ZREM', old.s, member)
  if old.U then call('HDEL', UNIQUE, old.U) end
  call('ZREM', DUE, member)
  add_bytes(old, -1)
end
