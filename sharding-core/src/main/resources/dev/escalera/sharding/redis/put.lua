-- Stores, replaces or removes one document of a bucket, with its places in the indexes.
-- KEYS[1]: the hash of the documents, id -> {bytes, {index name = member}}; an index is the sorted set KEYS[1] .. ':' .. name.
-- ARGV[1]: id. ARGV[2]: 'any', or 'if' when the bytes must still be ARGV[3]. ARGV[4]: 'put' or 'delete'. ARGV[5]: the bytes.
-- Then name and member of each index that the document is in. Returns 1, or 0 if the bytes were others.
local documents, id = KEYS[1], ARGV[1]
local stored = redis.call('HGET', documents, id)
local old = stored and cmsgpack.unpack(stored)
if ARGV[2] == 'if' and not (old and old[1] == ARGV[3]) then
  return 0
end
if old then
  for name, member in pairs(old[2]) do
    redis.call('ZREM', documents .. ':' .. name, member)
  end
end
if ARGV[4] == 'delete' then
  redis.call('HDEL', documents, id)
  return 1
end
local members = {}
for i = 6, #ARGV, 2 do
  members[ARGV[i]] = ARGV[i + 1]
  redis.call('ZADD', documents .. ':' .. ARGV[i], 0, ARGV[i + 1])
end
redis.call('HSET', documents, id, cmsgpack.pack({ARGV[5], members}))
return 1
