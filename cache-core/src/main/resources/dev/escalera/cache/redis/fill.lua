-- KEYS: value, claim, registry. ARGV: nonce of the claim, value, its life in ms, message to those who wait.
-- Returns whether the value is stored: not if the claim was ended, or lost.
local claim = redis.call('GET', KEYS[2])
if not claim or string.sub(claim, 1, 16) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
if #claim > 16 then
  local incarnation = redis.call('HGET', KEYS[3], 'i')
  if incarnation then
    redis.call('PUBLISH', 'escalera:cache:' .. incarnation, ARGV[4])
  end
end
return 1
