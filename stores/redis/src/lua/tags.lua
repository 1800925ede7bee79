-- Edits of tags, which are kept one a line.

-- The tags after an edit, by line, and how many there are.
local function edited(tags, edit)
  local list, seen = {}, {}
  for _, tag in ipairs(edit.remove) do
    seen[tag] = true
  end
  for tag in string.gmatch(not edit.clear and tags or '', '[^\n]+') do
    if not seen[tag] then list[#list + 1] = tag end
  end
  seen = {}
  for _, tag in ipairs(list) do
    seen[tag] = true
  end
  for _, tag in ipairs(edit.add) do
    if not seen[tag] then list[#list + 1] = tag end
  end
  return table.concat(list, '\n'), #list
end
