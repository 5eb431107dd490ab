-- KEYS: value, claim. ARGV: nonce of the claim, its further life in ms.
local claim = redis.call('GET', KEYS[2])
if not claim or string.sub(claim, 1, 16) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
