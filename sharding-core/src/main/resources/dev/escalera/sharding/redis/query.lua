-- Returns 'rows', and then the ids and bytes of the first documents of a range of an index; or 'fenced' and the fence, if the bucket is retired; or
-- 'incomplete', if documents are missing from the index.
-- KEYS[1]: the hash of the documents. KEYS[2]: the fence. KEYS[3]: the names of the complete indexes. KEYS[4]: the index.
-- A member ends with the id and the length of the id in two bytes. ARGV: the index's name and a line feed, 'forwards', 'backwards' or 'count', least,
-- greatest, how many.
local fence = redis.call('GET', KEYS[2])
if fence and string.sub(fence, 1, 8) == 'RETIRED ' then
  return {'fenced', fence}
end
local complete = redis.call('GET', KEYS[3]) or ''
if not string.find('\n' .. complete, '\n' .. ARGV[1], 1, true) and redis.call('HLEN', KEYS[1]) > 0 then
  return {'incomplete'}
end
if ARGV[2] == 'count' then
  return {'rows', tostring(redis.call('ZLEXCOUNT', KEYS[4], ARGV[3], ARGV[4]))}
end
local range
if ARGV[2] == 'forwards' then
  range = redis.call('ZRANGEBYLEX', KEYS[4], ARGV[3], ARGV[4], 'LIMIT', 0, ARGV[5])
else
  range = redis.call('ZREVRANGEBYLEX', KEYS[4], ARGV[4], ARGV[3], 'LIMIT', 0, ARGV[5])
end
local found = {'rows'}
for _, member in ipairs(range) do
  local length = string.byte(member, -2) * 256 + string.byte(member, -1)
  local id = string.sub(member, -2 - length, -3)
  found[#found + 1] = id
  found[#found + 1] = cmsgpack.unpack(redis.call('HGET', KEYS[1], id))[1]
end
return found
