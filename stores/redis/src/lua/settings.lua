-- Merges settings of a project, unless they would be too much in all.
-- KEYS    see lib.lua.
-- ARGV[1] set: flat list of names and values; max_bytes.
-- Returns 1 when it was done, else 0.
local after, bytes = {}, 0
for _, list in ipairs({ call('HGETALL', SETTINGS), arg.set }) do
  for i = 1, #list, 2 do
    after[list[i]] = list[i + 1]
  end
end
for name, value in pairs(after) do
  bytes = bytes + #name + #value
end
if bytes > arg.max_bytes then return 0 end
hset(SETTINGS, arg.set)
pulse()
return 1
