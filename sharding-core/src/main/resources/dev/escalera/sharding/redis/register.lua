-- Adds entries of buckets that have none. KEYS[1]: the catalog. ARGV: bucket and entry by turns. Returns by turns, in order, the entry that stands then,
-- and 'new' if it was added, else 'old'.
local standing, added = {}, 0
for i = 1, #ARGV, 2 do
  local new = redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
  added = added + new
  standing[#standing + 1] = redis.call('HGET', KEYS[1], ARGV[i])
  standing[#standing + 1] = new == 1 and 'new' or 'old'
end
if added > 0 then
  redis.call('HINCRBY', KEYS[1], ':version', 1)
end
return standing
