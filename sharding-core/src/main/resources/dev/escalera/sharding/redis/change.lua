-- Changes the entry of a bucket, if it is as expected. KEYS[1]: the catalog. ARGV: bucket, expected, next. Returns 1 if it was.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HINCRBY', KEYS[1], ':version', 1)
return 1
