-- Changes the tags that jobs scheduled of a spider get.
-- KEYS    see lib.lua; KEYS[9] the hash of spiders' tags.
-- ARGV[1] spider: its number as text; edit: {clear, remove, add}; max_tags.
-- Returns the tags then, one a line; 0 where there is no such spider, 1 where they would be
--         too many.
if call('HEXISTS', SPIDERS, arg.spider) == 0 then return 0 end
local tags, count = edited(call('HGET', KEYS[9], arg.spider) or '', arg.edit)
if count > arg.max_tags then return 1 end
if count > 0 then
  call('HSET', KEYS[9], arg.spider, tags)
else
  call('HDEL', KEYS[9], arg.spider)
end
return tags
