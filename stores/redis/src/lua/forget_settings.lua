-- Removes settings of a project.
-- KEYS    see lib.lua.
-- ARGV[1] names: nil for all.
if arg.names then
  hdel(SETTINGS, arg.names)
else
  call('UNLINK', SETTINGS)
end
pulse()
return 1
