-- Removes settings of a project.
-- KEYS    see names.lua.
-- ARGV[1] settings: their names, nil for all.
-- Returns packed 'applied'.
-- needs: many, names, notify
local arg = cmsgpack.unpack(ARGV[1])
if arg.settings then
  many.delete_fields(names.settings, arg.settings)
else
  redis.call('UNLINK', names.settings)
end
notify.publish()
return cmsgpack.pack('applied')
