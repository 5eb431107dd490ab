-- KEYS: value, version. ARGV: a fresh version, its life in ms, channel, message[, value, its life in ms].
-- Puts the value, or drops it where none is given, and tells all nodes.
if ARGV[5] then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
else
  -- First: a Redis that is out of memory refuses a SET, but none that follows a write.
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
