-- Commands that only read, as one atomic step. Not MULTI: a server out of memory refuses that.
-- KEYS    the key of each command.
-- ARGV[1] name of the first command, how many arguments it has after its key, and these; then the
--         same of the others. Names are those of our code, never of a caller.
-- Returns the replies in order.
-- needs: nothing
local replies, at = {}, 1
for i, key in ipairs(KEYS) do
  local last = at + 1 + tonumber(ARGV[at + 1])
  replies[i] = redis.call(ARGV[at], key, unpack(ARGV, at + 2, last))
  at = last + 1
end
return replies
