-- Numbers as text.
-- needs: nothing
local numbers = {}

-- Lua prints numbers with 14 digits; positions have 16. '%d' is exact up to 2^53 and
-- cheaper than '%.0f'.
function numbers.int(number) return string.format('%d', number) end

-- A limit as settings write it: a whole number without sign or leading zeros; nil for any
-- other text, which limits nothing.
function numbers.whole(text)
  return text and (text == '0' or string.match(text, '^[1-9]%d*$')) and tonumber(text) or nil
end

-- Position::after of the store: 2,048 positions a millisecond, above the last one given.
function numbers.position_after(last, now) return math.max(last + 1, now * 2048) end

return numbers
