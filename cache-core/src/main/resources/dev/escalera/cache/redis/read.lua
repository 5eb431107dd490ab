-- KEYS: value, version. ARGV: mode (PEEK, READ, CLAIM), a fresh version, its life in ms.
-- Returns {1, value, its remaining life in ms}, or {0}, or {0, version}.
if ARGV[1] ~= 'CLAIM' then
  local value = redis.call('GET', KEYS[1])
  if value then
    return {1, value, redis.call('PTTL', KEYS[1])}
  end
end
if ARGV[1] == 'PEEK' then
  return {0}
end
local version = redis.call('GET', KEYS[2]) or ARGV[2]
redis.call('SET', KEYS[2], version, 'PX', ARGV[3])
return {0, version}
