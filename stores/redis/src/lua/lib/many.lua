-- Commands with many values.
-- needs: nothing
local many = {}
local call = redis.call

-- Lua's stack holds 8,000 values; a job may have more fields. Even: values come in pairs.
local MAX_VALUES = 4000

local function in_parts(command, key, values)
  for from = 1, #values, MAX_VALUES do
    call(command, key, unpack(values, from, math.min(from + MAX_VALUES - 1, #values)))
  end
end

-- `pairs_of`: fields of a hash and their values in turn.
function many.set_fields(key, pairs_of) in_parts('HSET', key, pairs_of) end
function many.delete_fields(key, fields) in_parts('HDEL', key, fields) end

-- `pairs_of`: positions and members of a sorted set in turn.
function many.add_members(key, pairs_of) in_parts('ZADD', key, pairs_of) end

return many
