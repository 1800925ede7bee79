-- Keeps an API key if there is none at all.
-- KEYS[1] the hash of API keys.
-- ARGV[1] digest; ARGV[2] record.
-- Returns packed 'applied', or 'refused' where there is one.
-- needs: nothing
if redis.call('HLEN', KEYS[1]) > 0 then return cmsgpack.pack('refused') end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return cmsgpack.pack('applied')
