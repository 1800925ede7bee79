-- Removing a job for good, with all that names it.
-- needs: metadata_bytes, names, tag_sets
local removal = {}
local call = redis.call

-- `sums`: see metadata_bytes.lua.
function removal.remove(job, sums)
  local member, old = job.member, job.old
  local lane = names.lane(old.s, old.p, old.e)
  call('UNLINK', names.job(member), names.large(member))
  call('ZREM', names.set(lane), member)
  call('ZREM', names.set(names.of_spider(names.spider_of(member), lane)), member)
  tag_sets.remove(member, old)
  if old.U then call('HDEL', names.unique, old.U) end
  call('ZREM', names.due, member)
  metadata_bytes.count(sums, old, -1)
end

return removal
