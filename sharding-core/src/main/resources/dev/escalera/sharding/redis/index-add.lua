-- Adds documents to an index, each unless it has changed. KEYS[1]: the hash of the documents. ARGV[1]: the index's name.
-- Then, by document: id, bytes, how many members, and these.
local at = 2
while at <= #ARGV do
  local id, bytes, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local stored = redis.call('HGET', KEYS[1], id)
  local document = stored and cmsgpack.unpack(stored)
  if document and document[1] == bytes then
    local members = {}
    for i = 1, #document[2], 2 do
      if document[2][i] ~= ARGV[1] then
        members[#members + 1] = document[2][i]
        members[#members + 1] = document[2][i + 1]
      end
    end
    for i = at + 3, at + 2 + count do
      members[#members + 1] = ARGV[1]
      members[#members + 1] = ARGV[i]
      redis.call('ZADD', KEYS[1] .. ':' .. ARGV[1], 0, ARGV[i])
    end
    redis.call('HSET', KEYS[1], id, cmsgpack.pack({bytes, members}))
  end
  at = at + 3 + count
end
return 1
