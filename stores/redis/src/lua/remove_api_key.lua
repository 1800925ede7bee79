-- Removes an API key, unless it is the last one of an admin that never expires and must stay.
-- KEYS[1] the hash of API keys, where a removed one has an empty record.
-- ARGV[1] its id; ARGV[2] 'keep_admin' where one such key must stay, else ''.
-- Returns packed 'removed', 'missing' or 'last_admin'.
-- needs: nothing
local list = redis.call('HGETALL', KEYS[1])
local digest, is_lasting, others = nil, false, false
for i = 2, #list, 2 do
  local key = list[i] ~= '' and cmsgpack.unpack(list[i]) or {}
  local lasting = key.role == 'admin' and not key.expires
  if key.id == ARGV[1] then
    digest, is_lasting = list[i - 1], lasting
  elseif lasting then
    others = true
  end
end
if not digest then return cmsgpack.pack('missing') end
if ARGV[2] == 'keep_admin' and is_lasting and not others then
  return cmsgpack.pack('last_admin')
end
redis.call('HSET', KEYS[1], digest, '')
return cmsgpack.pack('removed')
