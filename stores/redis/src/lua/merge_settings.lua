-- Sets settings of a project and removes others, unless they would be too much in all.
-- KEYS    see names.lua.
-- ARGV[1] replace: whether all others go; remove: names of those that go besides; set: flat list
--         of names and values; max_bytes.
-- Returns packed 'applied' or 'refused'.
-- needs: many, names, notify
local arg = cmsgpack.unpack(ARGV[1])
local merged, bytes = {}, 0
local function merge(list)
  for i = 1, #list, 2 do
    merged[list[i]] = list[i + 1]
  end
end
if not arg.replace then merge(redis.call('HGETALL', names.settings)) end
for _, name in ipairs(arg.remove) do
  merged[name] = nil
end
merge(arg.set)
for name, value in pairs(merged) do
  bytes = bytes + #name + #value
end
if bytes > arg.max_bytes then return cmsgpack.pack('refused') end
if arg.replace then redis.call('UNLINK', names.settings) end
many.delete_fields(names.settings, arg.remove)
many.set_fields(names.settings, arg.set)
notify.publish()
return cmsgpack.pack('applied')
