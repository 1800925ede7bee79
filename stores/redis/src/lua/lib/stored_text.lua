-- Values of larger metadata: JSON text, or compressed behind five bytes, the first of which begins no
-- text and the last three of which are the length of the text (stores/compression/src/lib.rs). Limits
-- and sums count texts.
-- needs: nothing
local stored_text = {}

local MARK = 253

-- Whether it needs no more than a look to be seen as text.
function stored_text.is_ascii(value) return not string.find(value, '[\128-\255]') end

function stored_text.length(value)
  local mark, _, high, middle, low = string.byte(value, 1, 5)
  if mark ~= MARK or not low then return #value end
  return high * 65536 + middle * 256 + low
end

return stored_text
