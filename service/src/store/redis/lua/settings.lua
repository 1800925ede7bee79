-- Merges settings of a project, unless they would be too much in all.
-- KEYS    see lib.lua; KEYS[9] the hash of settings.
-- ARGV[1] set: flat list of names and values; max_bytes.
-- Returns 1 when it was done, else 0.
local after, bytes = {}, 0
for _, list in ipairs({ call('HGETALL', KEYS[9]), arg.set }) do
  for i = 1, #list, 2 do
    after[list[i]] = list[i + 1]
  end
end
for name, value in pairs(after) do
  bytes = bytes + #name + #value
end
if bytes > arg.max_bytes then return 0 end
hset(KEYS[9], arg.set)
return 1
