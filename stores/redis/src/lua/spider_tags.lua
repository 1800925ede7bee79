-- Changes the tags that jobs scheduled of a spider get.
-- KEYS    see lib.lua; KEYS[12] the hash of spiders' tags.
-- ARGV[1] spider: its number as text; edit: {clear, remove, add}; max_tags.
-- Returns {outcome, the tags then, one a line}; outcomes as below.
local DONE, MISSING, TOO_MANY_TAGS = 0, 1, 2
if call('HEXISTS', SPIDERS, arg.spider) == 0 then return { MISSING, '' } end
local tags, count = edited(call('HGET', KEYS[12], arg.spider) or '', arg.edit)
if count > arg.max_tags then return { TOO_MANY_TAGS, '' } end
if count > 0 then
  call('HSET', KEYS[12], arg.spider, tags)
else
  call('HDEL', KEYS[12], arg.spider)
end
return { DONE, tags }
