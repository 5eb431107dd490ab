-- Stores, replaces or removes one document of a bucket, with its places in the indexes, if the fence admits the writer.
-- KEYS[1]: the hash of the documents, id -> {bytes, {index name, member, ...}}; an index is the sorted set KEYS[1] .. ':' .. name.
-- KEYS[2]: the fence. KEYS[3]: the names of the indexes that all documents are in.
-- ARGV[1]: what a fence that admits begins with. ARGV[2]: id. ARGV[3]: 'any', or 'if' when the bytes must still be ARGV[4]. ARGV[5]: 'put' or
-- 'delete'. ARGV[6]: the bytes. ARGV[7]: the names of the indexes that the writer keeps, each ended by a line feed. Then name and member of each
-- place in an index. Returns 'done', 'changed' if the bytes were others, or 'fenced' and the fence.
local documents, id = KEYS[1], ARGV[2]
local fence = redis.call('GET', KEYS[2])
if not fence or string.sub(fence, 1, #ARGV[1]) ~= ARGV[1] then
  return 'fenced' .. (fence or '')
end
local stored = redis.call('HGET', documents, id)
local old = stored and cmsgpack.unpack(stored)
if ARGV[3] == 'if' and not (old and old[1] == ARGV[4]) then
  return 'changed'
end
if old then
  for i = 1, #old[2], 2 do
    redis.call('ZREM', documents .. ':' .. old[2][i], old[2][i + 1])
  end
end
if ARGV[5] == 'delete' then
  redis.call('HDEL', documents, id)
  return 'done'
end
local complete = redis.call('GET', KEYS[3])
if complete ~= ARGV[7] then
  if redis.call('HLEN', documents) == 0 then
    redis.call('SET', KEYS[3], ARGV[7])
  elseif complete then
    -- An index that the writer does not keep is complete no more; '?...:' stands before one that is being made.
    local kept = {}
    for name in string.gmatch(complete, '[^\n]*\n') do
      local plain = string.gsub(name, '^%?[^:]*:', '')
      if string.find('\n' .. ARGV[7], '\n' .. plain, 1, true) then
        kept[#kept + 1] = name
      end
    end
    redis.call('SET', KEYS[3], table.concat(kept))
  end
end
local members = {}
for i = 8, #ARGV, 2 do
  members[#members + 1] = ARGV[i]
  members[#members + 1] = ARGV[i + 1]
  redis.call('ZADD', documents .. ':' .. ARGV[i], 0, ARGV[i + 1])
end
redis.call('HSET', documents, id, cmsgpack.pack({ARGV[6], members}))
return 'done'
