-- KEYS: value, claim. ARGV: nonce, life of the claim in ms, nonce of a value that is of no use ('*': any), whether to wait for another.
-- Returns {0} to the one that loads, {1, time left in ms} while another does, {2, value} if there is one.
local value = redis.call('GET', KEYS[1])
if value and ARGV[3] ~= '*' and string.sub(value, 3, 10) ~= ARGV[3] then
  return {2, value}
end
if ARGV[4] == '1' then
  local claim = redis.call('GET', KEYS[2])
  if claim then
    if #claim == 16 then
      redis.call('SET', KEYS[2], claim .. '+', 'KEEPTTL')
    end
    return {1, redis.call('PTTL', KEYS[2])}
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {0}
