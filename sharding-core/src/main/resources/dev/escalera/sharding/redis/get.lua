-- Returns the bytes of one document; nothing if there is none; nothing and the fence if the bucket is retired.
-- KEYS[1]: the hash of the documents. KEYS[2]: the fence. ARGV[1]: id.
local fence = redis.call('GET', KEYS[2])
if fence and string.sub(fence, 1, 8) == 'RETIRED ' then
  return {'', fence}
end
local stored = redis.call('HGET', KEYS[1], ARGV[1])
return stored and {cmsgpack.unpack(stored)[1]} or {}
