-- Forgets a project of which nothing is due any more, unless it was registered again meanwhile.
-- KEYS[1] the sorted set of projects with something due.
-- ARGV[1] project; ARGV[2] the score read before.
-- Returns packed 'applied' or 'refused'.
-- needs: nothing
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return cmsgpack.pack('refused') end
redis.call('ZREM', KEYS[1], ARGV[1])
return cmsgpack.pack('applied')
