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

return numbers
