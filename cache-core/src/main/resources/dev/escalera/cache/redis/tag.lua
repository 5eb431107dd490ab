-- KEYS: tag. ARGV: a fresh nonce, its life in ms. Returns the nonce of the tag, which has one from now on.
local nonce = redis.call('GET', KEYS[1])
if nonce then
  return nonce
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
