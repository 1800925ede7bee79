-- Keeps a new API key, and lets another one expire, once.
-- KEYS[1] the hash of API keys, where a removed one has an empty record.
-- ARGV[1] id of the other; ARGV[2] when it expires at the latest, ms; ARGV[3] digest of the new one;
--         ARGV[4] its record.
-- Returns packed 'replaced', 'missing' where there is none with that id, or {replaced_before = id of
--         the one that is in its place}.
-- needs: nothing
local list = redis.call('HGETALL', KEYS[1])
for i = 2, #list, 2 do
  local key = list[i] ~= '' and cmsgpack.unpack(list[i]) or {}
  if key.id == ARGV[1] then
    if key.replaced_by then
      return cmsgpack.pack({ replaced_before = key.replaced_by })
    end
    local expires = tonumber(ARGV[2])
    key.expires = math.min(key.expires or expires, expires)
    key.replaced_by = cmsgpack.unpack(ARGV[4]).id
    redis.call('HSET', KEYS[1], list[i - 1], cmsgpack.pack(key), ARGV[3], ARGV[4])
    return cmsgpack.pack('replaced')
  end
end
return cmsgpack.pack('missing')
