-- Changes the tags that jobs scheduled of a spider get.
-- KEYS    see names.lua.
-- ARGV[1] spider: its number as text; edit: {clear, remove, add}; max_tags.
-- Returns packed {applied = the tags then, one a line}, 'missing' or 'too_many_tags'.
-- needs: names, tag_list
local arg = cmsgpack.unpack(ARGV[1])
local call = redis.call
if call('HEXISTS', names.spiders, arg.spider) == 0 then return cmsgpack.pack('missing') end
local tags, count = tag_list.edited(call('HGET', names.spider_tags, arg.spider), arg.edit)
if count > arg.max_tags then return cmsgpack.pack('too_many_tags') end
if count > 0 then
  call('HSET', names.spider_tags, arg.spider, tags)
else
  call('HDEL', names.spider_tags, arg.spider)
end
return cmsgpack.pack({ applied = tags })
