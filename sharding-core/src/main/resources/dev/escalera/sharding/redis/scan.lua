-- Returns the next cursor, and then ids and bytes of some documents. KEYS[1]: the hash of the documents. ARGV[1]: cursor. ARGV[2]: about how many.
local answer = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = {answer[1]}
for i = 1, #answer[2], 2 do
  found[#found + 1] = answer[2][i]
  found[#found + 1] = cmsgpack.unpack(answer[2][i + 1])[1]
end
return found
