-- Keeps an API key if there is none at all.
-- KEYS[1] the hash of keys.
-- ARGV[1] digest; ARGV[2] record.
-- Returns 1 when it was kept, else 0.
if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
