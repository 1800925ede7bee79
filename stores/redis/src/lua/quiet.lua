-- Forgets a project of which nothing is due any more, unless it was told again meanwhile.
-- KEYS[1] the set of projects with something due.
-- ARGV[1] project; ARGV[2] the score read before.
-- Returns 1 when it was forgotten, else 0.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
