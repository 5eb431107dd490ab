-- Returns the ids and bytes of the first documents of a range of an index. KEYS[1]: the hash of the documents. KEYS[2]: the index.
-- A member ends with the id and the length of the id in two bytes. ARGV: 'forwards' or 'backwards', least, greatest, how many.
local range
if ARGV[1] == 'forwards' then
  range = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
else
  range = redis.call('ZREVRANGEBYLEX', KEYS[2], ARGV[3], ARGV[2], 'LIMIT', 0, ARGV[4])
end
local found = {}
for _, member in ipairs(range) do
  local length = string.byte(member, -2) * 256 + string.byte(member, -1)
  local id = string.sub(member, -2 - length, -3)
  found[#found + 1] = id
  found[#found + 1] = cmsgpack.unpack(redis.call('HGET', KEYS[1], id))[1]
end
return found
