-- Notifications: they are published only while a process has the project's `notify` key set.
-- needs: names
local notify = {}
local call = redis.call

-- Tells all processes that wait for changes of the project.
function notify.publish()
  if call('EXISTS', names.notify) == 1 then call('PUBLISH', names.notify, '') end
end

return notify
