-- KEYS: value, version. ARGV: a fresh version, its life in ms, channel, message[, value, its life in ms].
-- Puts the value, or drops it where none is given, and tells all nodes.
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if ARGV[5] then
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
else
  redis.call('DEL', KEYS[1])
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
