-- Writing many fields of a hash.
-- needs: nothing
local hashes = {}
local call = redis.call

-- Lua's stack holds 8,000 values; a job may have more fields.
local MAX_VALUES = 4000

local function in_parts(command, key, values)
  for from = 1, #values, MAX_VALUES do
    call(command, key, unpack(values, from, math.min(from + MAX_VALUES - 1, #values)))
  end
end

-- `pairs_of`: fields and values in turn.
function hashes.set(key, pairs_of) in_parts('HSET', key, pairs_of) end
function hashes.delete(key, fields) in_parts('HDEL', key, fields) end

return hashes
