-- Merges settings of a project, unless they would be too much in all.
-- KEYS    see names.lua.
-- ARGV[1] set: flat list of names and values; max_bytes.
-- Returns packed 'applied' or 'refused'.
-- needs: hashes, names, notify
local arg = cmsgpack.unpack(ARGV[1])
local merged, bytes = {}, 0
for _, list in ipairs({ redis.call('HGETALL', names.settings), arg.set }) do
  for i = 1, #list, 2 do
    merged[list[i]] = list[i + 1]
  end
end
for name, value in pairs(merged) do
  bytes = bytes + #name + #value
end
if bytes > arg.max_bytes then return cmsgpack.pack('refused') end
hashes.set(names.settings, arg.set)
notify.publish()
return cmsgpack.pack('applied')
