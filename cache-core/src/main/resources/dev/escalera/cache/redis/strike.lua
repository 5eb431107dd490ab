-- KEYS: registry. ARGV: node, number of its renewal. Strikes a node off that has not renewed since.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
