-- KEYS: value, version. ARGV: the version that was read before the load, value, its life in ms.
-- Returns whether the value is stored: not if the version was changed, or lost.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
