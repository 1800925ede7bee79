-- Lists of tags, which are kept as text with one tag a line.
-- needs: nothing
local tag_list = {}

function tag_list.each(text) return string.gmatch(text or '', '[^\n]+') end

local function set_of(list)
  local set = {}
  for _, tag in ipairs(list) do
    set[tag] = true
  end
  return set
end

-- The tags of a list as keys of a table.
function tag_list.set(text)
  local set = {}
  for tag in tag_list.each(text) do
    set[tag] = true
  end
  return set
end

-- The list after an edit {clear, remove, add}, and how many tags it has.
function tag_list.edited(text, edit)
  local list, removed = {}, set_of(edit.remove)
  for tag in tag_list.each(not edit.clear and text) do
    if not removed[tag] then list[#list + 1] = tag end
  end
  local kept = set_of(list)
  for _, tag in ipairs(edit.add) do
    if not kept[tag] then list[#list + 1] = tag end
  end
  return table.concat(list, '\n'), #list
end

return tag_list
