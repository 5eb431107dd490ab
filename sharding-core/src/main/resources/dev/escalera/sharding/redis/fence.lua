-- Puts a fence, if it is as expected; '' expects none. KEYS[1]: the fence. ARGV[1]: expected. ARGV[2]: the next. Returns the one that stands then.
local fence = redis.call('GET', KEYS[1]) or ''
if fence == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  return ARGV[2]
end
return fence
