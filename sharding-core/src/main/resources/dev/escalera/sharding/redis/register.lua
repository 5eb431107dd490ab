-- Adds entries of buckets that have none; returns what stands then, in order. KEYS[1]: the catalog. ARGV: bucket and entry by turns.
local standing, added = {}, 0
for i = 1, #ARGV, 2 do
  added = added + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
  standing[#standing + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
if added > 0 then
  redis.call('HINCRBY', KEYS[1], ':version', 1)
end
return standing
