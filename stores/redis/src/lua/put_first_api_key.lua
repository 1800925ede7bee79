-- Keeps an API key if there is none at all.
-- KEYS[1] the hash of API keys, where a removed one has an empty record.
-- ARGV[1] digest; ARGV[2] record.
-- Returns packed 'applied', or 'refused' where there is one.
-- needs: nothing
local list = redis.call('HGETALL', KEYS[1])
for i = 2, #list, 2 do
  if list[i] ~= '' then return cmsgpack.pack('refused') end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return cmsgpack.pack('applied')
