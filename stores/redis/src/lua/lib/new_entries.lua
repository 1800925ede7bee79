-- Entries of new jobs in sorted sets. They wait for those of the other jobs of a push: a set gets all
-- of its own in one command. `entries`: positions and members in turn, by set.
-- needs: counters, many, names, tag_list
local new_entries = {}

local function put(entries, set, position, member)
  local list = entries[set] or {}
  entries[set] = list
  list[#list + 1], list[#list + 2] = position, member
end

-- `tags`: text, one a line.
function new_entries.add(push, job, member, spider, position, tags)
  local entries, lane, letter = push.entries, names.lane(job.state, job.priority), names.letter(job.state)
  put(entries, lane, position, member)
  put(entries, names.of_spider(spider, lane), position, member)
  for tag in tag_list.each(tags) do
    local number = counters.number(push.counters, names.tag_number(tag), 'last_tag')
    put(entries, names.of_tag(number, letter), position, member)
  end
end

function new_entries.write(entries)
  for set, list in pairs(entries) do
    many.add_members(names.set(set), list)
  end
end

return new_entries
